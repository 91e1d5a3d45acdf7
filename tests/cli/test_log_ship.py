"""``sa-privacy log ship``: as it is called, and what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from sa_privacy.cli.app import app
from tests.accesslog.events import ENVIRONMENT
from tests.accesslog.sinks.journals import count, held, journal, lines_of
from tests.support.command import CliRunner, Result


def called(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["log", "ship", *map(str, arguments)], env={"COLUMNS": "200"})


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_it_ships_to_a_database_and_makes_the_table(tmp_path: Path, engine: Engine) -> None:
    log = journal(tmp_path / "log", events=30)
    number = len(list(lines_of(log)))
    ran = called("--log", log, "--to", url_of(engine), "--batch", 20)
    assert ran.exit_code == 0, ran.output
    assert f"{number} events shipped to" in ran.stderr
    assert held(engine) == list(lines_of(log))
    assert json.loads(called("--log", log, "--to", url_of(engine), "--lag").stdout) == {
        "events": 0,
        "bytes": 0,
        "seconds": 0.0,
    }
    assert "0 events shipped" in called("--log", log, "--to", url_of(engine)).stderr


def test_the_table_is_asked_like_the_journal(tmp_path: Path, engine: Engine) -> None:
    log = journal(tmp_path / "log", events=30)
    called("--log", log, "--to", url_of(engine))
    answers = [
        CliRunner().invoke(app, ["log", "by", "staff:3", "--log", place, "--json"])
        for place in (str(log), url_of(engine))
    ]
    assert [answer.exit_code for answer in answers] == [0, 0], answers[1].output
    assert json.loads(answers[0].stdout) == json.loads(answers[1].stdout)
    assert "staff:3" in answers[0].stdout


def test_it_prints_the_lines_and_nothing_else(tmp_path: Path) -> None:
    log = journal(tmp_path / "log", events=30)
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            "from sa_privacy.cli import main; main()",
            "log",
            "ship",
            "--log",
            log,
            "--to",
            "stdout",
        ],
        capture_output=True,
        env=ENVIRONMENT,
        check=True,
    )
    assert sorted(ran.stdout.splitlines(keepends=True)) == sorted(lines_of(log))
    assert b"events shipped to stdout" in ran.stderr


def test_the_ddl_is_printed_without_a_database() -> None:
    ran = called("--to", "postgresql://nobody@/nowhere", "--ddl")
    assert ran.exit_code == 0, ran.output
    assert "PARTITION BY RANGE (at)" in ran.stdout
    assert "GRANT SELECT, INSERT ON" in ran.stdout
    assert called("--to", "stdout", "--ddl").exit_code == 2


def test_what_stops_it_is_said_with_a_way_out(tmp_path: Path, engine: Engine) -> None:
    log = journal(tmp_path / "log", events=5, writers=1)
    for arguments, said in (
        (("--log", tmp_path / "none", "--to", url_of(engine)), "there is no access log"),
        (("--log", log, "--to", "somewhere"), "is no place to ship to"),
        (("--log", log, "--to", f"postgresql://me:secret@/x?host={tmp_path}"), "cannot use"),
    ):
        ran = called(*arguments)
        assert ran.exit_code == 2
        assert said in ran.stderr
        assert "hint:" in ran.stderr
        assert "secret" not in ran.output
    (path,) = log.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b"{}\n")
    for more in ((), ("--follow",)):
        ran = called("--log", log, "--to", url_of(engine), *more)
        assert (ran.exit_code, "is not an event" in ran.stderr) == (2, True)


def test_following_ends_when_it_is_told_to_with_all_shipped(tmp_path: Path, engine: Engine) -> None:
    log = journal(tmp_path / "log", events=10)
    called("--log", log, "--to", url_of(engine))
    words = ["log", "ship", "--log", str(log), "--to", url_of(engine), "--follow", "--every", "0.05"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from sa_privacy.cli import main; main()", *words], env=ENVIRONMENT
    )
    try:
        journal(log, events=10, writers=1)
        wait_for(engine, len(list(lines_of(log))))
        journal(log, events=10, writers=1)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert held(engine) == list(lines_of(log))


def test_following_waits_for_a_database_that_is_away_at_its_start(tmp_path: Path, engine: Engine) -> None:
    log = journal(tmp_path / "log", events=10)
    sqlite = engine.dialect.name == "sqlite"
    name = f"{tmp_path}/later.db" if sqlite else f"later_{engine.url.database}"
    later = create_engine(engine.url.set(database=name))
    if sqlite:
        Path(name).mkdir()  # where the file is to be
    words = ["log", "ship", "--log", str(log), "--to", url_of(later), "--follow", "--every", "0.05"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from sa_privacy.cli import main; main()", *words],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "waits. The access log cannot use" in process.stderr.readline()
        assert "hint:" in process.stderr.readline()
        if sqlite:
            Path(name).rmdir()
        else:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
        assert "goes on" in process.stderr.readline()  # said once: nothing came between
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0
        assert held(later) == list(lines_of(log))
    finally:
        process.kill()
        process.communicate()
        later.dispose()
        if not sqlite:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


def wait_for(engine: Engine, number: int) -> None:
    end = time.monotonic() + 60
    while count(engine) < number:
        assert time.monotonic() < end
        time.sleep(0.05)
