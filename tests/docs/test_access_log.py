"""docs/access-log.md is followed by a new team: its Python runs, its commands answer."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from typer.main import get_group

from sa_privacy import Keyring, Privacy
from sa_privacy.accesslog import members
from sa_privacy.cli.app import app
from sa_privacy.cli.log import app as log_commands
from sa_privacy.policy.writing import as_sections, as_toml
from tests.gate import world
from tests.gate.world import Customer
from tests.support.command import CliRunner
from tests.support.databases import Database

GUIDE = (Path(__file__).parents[2] / "docs" / "access-log.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", GUIDE, flags=re.DOTALL)
SET_UP, ASK, TELL = [block for kind, block in BLOCKS if kind == "python"]
[SCHEDULE] = [block for kind, block in BLOCKS if kind == "toml"]
COMMANDS = [shlex.split(line)[1:] for kind, block in BLOCKS if not kind for line in block.splitlines()]
ALL = set(get_group(log_commands).commands)
FOR_EVER = ("--follow", "--every", "60")


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the guide takes for granted, and a day of work."""
    monkeypatch.chdir(tmp_path)
    Keyring.generate().save(tmp_path / "keys.json")
    (tmp_path / "privacy.toml").write_text(as_toml(as_sections(world.POLICY)) + SCHEDULE)
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    names: dict[str, Any] = {"Base": world.Base, "engine": engine, "customer_keys": lambda: range(1, 100)}
    exec(SET_UP, names)
    privacy: Privacy = names["privacy"]
    world.fill(privacy, engine)
    with privacy.access("shipping", actor="staff:17", role="warehouse"), Session(engine) as session:
        session.scalars(select(Customer)).all()
    broken = names["log"].append("break_glass", members(actor="staff:1", reason="site down", ticket="T-1"))
    names["broken"] = f"{names['log'].writer}:{broken}"
    privacy.close()
    engine.dispose()
    return names


def test_the_guide_can_be_followed(team: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    exec(ASK, team)
    assert "staff:17 ('shipping',)" in capsys.readouterr().out
    exec(TELL, team)
    assert team["affected"] == [1, 2, 3]


def test_every_command_in_it_does_what_it_says(team: dict[str, Any], database: Database) -> None:
    here = {
        "/mnt/elsewhere": "elsewhere",
        "postgresql://log@db/evidence": database.engine().url.render_as_string(hide_password=False),
        "00c0ffee00c0ffee:17": team["broken"],
    }
    assert {command[1] for command in COMMANDS} == ALL
    used = {word for command in COMMANDS for word in command if word in here}
    assert used == here.keys()
    Path("elsewhere").mkdir()
    for command in COMMANDS:
        ran = CliRunner().invoke(app, [here.get(word, word) for word in command if word not in FOR_EVER])
        assert ran.exit_code == 0, (command, ran.output)
        assert ran.output, command
        if command[1:3] == ["review", "00c0ffee00c0ffee:17"]:
            assert "justified" in ran.stdout
    proved = CliRunner().invoke(app, ["log", "verify", "--key", "checkpoints.pem.pub", "--second", "elsewhere"])
    assert (proved.exit_code, "the log holds" in proved.stdout) == (0, True)


def test_its_lines_are_not_too_long() -> None:
    assert not [line for line in GUIDE.splitlines() if len(line) > 140]
