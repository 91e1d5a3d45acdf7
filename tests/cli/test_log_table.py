"""The commands that ask the log, of a table that it was shipped to; and what was not shipped yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sa_privacy import AccessLog
from sa_privacy.accesslog import members
from sa_privacy.cli.app import app

RUN = CliRunner()


def asked(*arguments: str) -> Any:
    ran = RUN.invoke(app, ["log", *arguments])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def test_a_table_answers_as_the_directory_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'evidence.db'}"
    with AccessLog.open("log") as log:
        said = {"actor": "staff:17", "reads": ["customers.name"], "decision": "allowed"}
        log.append("break_glass", members(actor="staff:1", reason="site down", ticket="T-1"))
        for number in range(3):
            intent = log.append("intent", members(**said))
            log.append("outcome", members(intent=intent, rows=1, subjects=[str(number) * 26], **said))
        log.append("use", members(actor="staff:17", decision="denied", denials=["read customers.name"], unbounded=True))
    assert RUN.invoke(app, ["log", "ship", "--log", "log", "--to", url]).exit_code == 0
    for command in (["who", "2" * 26], ["by", "staff:17"], ["denied"], ["breach"], ["review"]):
        of_table = asked(*command, "--json", "--log", url)
        assert of_table == asked(*command, "--json", "--log", "log"), command
        assert len(of_table["reviews_waiting"]) == 1, command
    assert asked("status", "--json", "--log", "log", "--to", url)["unshipped_events"] == 0
    with AccessLog.open("log") as log:
        log.append("note", b"")
    assert asked("status", "--json", "--log", "log", "--to", url)["unshipped_events"] == 3
    told = RUN.invoke(app, ["log", "status", "--log", "log", "--to", url]).stdout
    assert "Unshipped   3 events, the oldest for " in told
