"""The commands of the log, of a table: one that it was shipped to, and one that is the log."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from sa_privacy import AccessLog
from sa_privacy.accesslog import members
from sa_privacy.accesslog.journal import segment as segment_file
from sa_privacy.accesslog.sinks import EventTable, TableLog
from sa_privacy.cli.app import app
from tests.accesslog.events import ENVIRONMENT
from tests.support.command import INTERRUPTIBLE, CliRunner, Result

POLICY = """
[policy]
id = "shop"
version = "1"
[categories.name]
[purposes.shipping]
use = ["name"]
[log]
compress_after = "P1D"
keep = "P1D"
"""


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["log", *map(str, words)], env={"COLUMNS": "200"})


def told(*words: object) -> str:
    ran = run(*words)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def asked(*words: object) -> Any:
    return json.loads(told(*words, "--json"))


@pytest.fixture
def url(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return engine.url.render_as_string(hide_password=False)


def write(log: Any) -> str:
    """Some work, with a break-glass access; returns the id of that."""
    said = {"actor": "staff:17", "reads": ["customers.name"], "decision": "allowed"}
    broken = log.append("break_glass", members(actor="staff:1", reason="site down", ticket="T-1"))
    for number in range(3):
        intent = log.append("intent", members(**said))
        log.append("outcome", members(intent=intent, rows=1, subjects=[str(number) * 26], **said))
    log.append("use", members(actor="staff:17", decision="denied", denials=["read customers.name"], unbounded=True))
    log.append("use", members(actor="staff:18", reads=["orders.amount"], decision="allowed", unbounded=True))
    return f"{log.writer}:{broken}"


def test_a_table_answers_as_the_directory_does(url: str) -> None:
    with AccessLog.open("log") as log:
        write(log)
    told("ship", "--log", "log", "--to", url)
    for command in (["who", "2" * 26], ["by", "staff:17"], ["denied"], ["breach"], ["review"]):
        of_table = asked(*command, "--log", url)
        assert of_table == asked(*command, "--log", "log"), command
        assert len(of_table["reviews_waiting"]) == 1, command
    assert [one["actor"] for one in asked("who", "2" * 26, "--log", url)["unbounded"]] == ["staff:18"]
    for lines in (0, 1, 4, 1000):
        assert told("tail", "-n", lines, "--json", "--log", url) == told("tail", "-n", lines, "--json", "--log", "log")
    assert told("tail", "--denied", "--log", url) == told("tail", "--denied", "--log", "log")
    of_table, of_files = asked("status", "--log", url), asked("status", "--log", "log")
    for name in ("writers", "segments", "first", "last", "unclosed", "reviews_waiting"):
        assert of_table[name] == of_files[name], name
    assert asked("status", "--log", "log", "--to", url)["unshipped_events"] == 0
    with AccessLog.open("log") as log:
        log.append("note", b"")
    assert asked("status", "--log", "log", "--to", url)["unshipped_events"] == 3
    assert re.search(r"Unshipped   3 events, the oldest for \d+ s", told("status", "--log", "log", "--to", url))


def test_a_table_that_is_the_log_is_asked_proved_and_reviewed(url: str) -> None:
    with TableLog(url) as log:
        broken = write(log)
        status = asked("status", "--log", url)
        assert (status["writers"], status["running"], status["unclosed"]) == (1, None, 1)
        assert status["bytes"] > 10_000
        assert "sa_privacy_log_writers 1" in told("status", "--prometheus", "--log", url)
        close = ("review", broken, "--verdict", "justified", "--note", "as the ticket says", "--log", url, "--by")
        assert "who broke the glass" in run(*close, "staff:1").stderr
        assert "justified, reviewed by dpo" in told(*close, "dpo")
    assert "No break-glass access waits" in told("review", "--log", url)
    assert "reviewed already" in run(*close, "dpo").stderr
    assert "the log holds." in told("verify", "--log", url)
    found = asked("verify", "--log", url)
    assert (found["ok"], found["segments"], found["unclosed"], found["covered"]) == (True, 2, [], None)
    assert "--second" in found["not_shown"][0]


def unprotected(engine: Engine, table: str, statement: str) -> None:
    """What somebody does who can do anything."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
        else:
            connection.execute(text(f"DROP TRIGGER IF EXISTS append_only ON {table}"))
        connection.execute(text(statement))


def test_a_table_is_held_against_signed_checkpoints(url: str, engine: Engine, tmp_path: Path) -> None:
    Path("second").mkdir()
    told("keygen", "key.pem")
    with AccessLog.open("log") as log:
        broken = write(log)
        told("ship", "--log", "log", "--to", url)
        told("checkpoint", "--log", "log", "--key", "key.pem", "--second", "second")
        log.append("note", b"")
    proof = ("verify", "--log", url, "--key", "key.pem.pub", "--second", "second")
    found = asked(*proof)
    assert (found["ok"], found["covered"]["checkpoint"], found["covered"]["signed"]) == (True, 1, True)
    assert found["not_shown"] == []
    told("checkpoint", "--log", "log", "--key", "key.pem", "--second", "second")
    assert "have not arrived" in asked(*proof)["not_shown"][0]
    told("ship", "--log", "log", "--to", url)
    assert asked(*proof)["not_shown"] == []
    assert "signatures were not checked" in asked("verify", "--log", url, "--second", "second")["not_shown"][0]
    told("keygen", "other.pem")
    forged = run("verify", "--log", url, "--key", "other.pem.pub", "--second", "second", "--json")
    assert (forged.exit_code, json.loads(forged.stdout)["ok"]) == (1, False)
    last = found["events"] + 1
    unprotected(engine, "sa_privacy_events", f"DELETE FROM sa_privacy_events WHERE id & 1099511627775 >= {last - 2}")
    assert run("verify", "--log", url).exit_code == 0  # the chain alone does not tell
    cut = run(*proof)
    assert cut.exit_code == 1
    assert "they were shipped" in cut.stdout
    assert "does not hold" in cut.stdout
    unprotected(engine, "sa_privacy_events", "DELETE FROM sa_privacy_events")
    unprotected(engine, "sa_privacy_events_writers", "DELETE FROM sa_privacy_events_writers")
    assert run(*proof).exit_code == 1
    assert broken.split(":")[0] in run(*proof).stdout


def test_lines_that_were_chained_anew_are_not_what_a_checkpoint_vouches_for(url: str, engine: Engine) -> None:
    Path("second").mkdir()
    told("keygen", "key.pem")
    with AccessLog.open("log") as log:
        log.append("note", members(actor="staff:1"))
    told("checkpoint", "--log", "log", "--key", "key.pem", "--second", "second")
    [segment] = Path("log").glob("*.jsonl")
    lines, prev = [], "0" * 64
    for line in segment.read_text().replace("staff:1", "staff:2").splitlines():
        body = line[: line.index(',"prev":"')] + f',"prev":"{prev}"'
        prev = sha256(body.encode()).hexdigest()
        lines.append(f'{body},"hash":"{prev}"}}\n')
    segment.write_text("".join(lines))
    told("ship", "--log", "log", "--to", url)
    assert run("verify", "--log", url).exit_code == 0
    found = run("verify", "--log", url, "--key", "key.pem.pub", "--second", "second")
    assert found.exit_code == 1
    assert "chained anew" in found.stdout


def test_tail_follows_a_table(url: str) -> None:
    with TableLog(url) as log:
        log.append("note", members(actor="before"))
        words = ["log", "tail", "-f", "--json", "-n", "1", "--log", url]
        with subprocess.Popen(
            [sys.executable, "-c", INTERRUPTIBLE, *words],
            env=dict(ENVIRONMENT) | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as tail:
            assert tail.stdout is not None
            assert tail.stderr is not None
            assert json.loads(tail.stdout.readline())["actor"] == "before"
            log.append("note", members(actor="after"))
            assert json.loads(tail.stdout.readline())["actor"] == "after"
            with TableLog(url) as another:
                another.append("note", members(actor="of another writer"))
                lines = [json.loads(tail.stdout.readline()) for _ in range(2)]
            assert [line["kind"] for line in lines] == ["opened", "note"]
            time.sleep(0.1)
            os.kill(tail.pid, signal.SIGINT)
            assert tail.wait(10) == 0
            assert tail.stderr.read() == ""


def test_nothing_is_removed_that_did_not_arrive_or_waits_for_a_review(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as five_days_ago:
        five_days_ago.setattr(segment_file, "time_ns", lambda: time.time_ns() - 5 * 86_400 * 10**9)
        with AccessLog.open("log") as log:
            broken = write(log)
    [segment] = Path("log").glob("*.jsonl")
    os.utime(segment, (0, 0))
    Path("privacy.toml").write_text(POLICY)
    told("keygen", "key.pem")
    keep = ("keep", "--log", "log", "--key", "key.pem", "--shipped-to", url)
    away = run(*keep)
    assert (away.exit_code, "no access log in" in away.stderr) == (2, True)
    with EventTable(url) as table:
        table.create()
    assert list(asked(*keep, "--dry-run")["left"].values()) == ["it has not been shipped yet"]
    told("ship", "--log", "log", "--to", url)
    left = asked(*keep)
    assert list(left["left"].values()) == ["it holds a break-glass event that nobody has reviewed"]
    assert left["compressed"] == [segment.name]
    told("review", broken, "--verdict", "justified", "--note", "seen", "--by", "dpo", "--log", url)
    assert asked(*keep)["removed"] == [segment.name]
    assert not list(Path("log").glob(f"{segment.name}*"))
    assert told("verify", "--log", url)
    assert told("verify", "--log", "log", "--key", "key.pem.pub")
