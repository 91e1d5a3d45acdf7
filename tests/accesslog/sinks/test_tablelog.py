"""The table as the log itself: what the journal promises, kept by a database."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from sa_privacy.accesslog import AccessLog, Wanted, members
from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.accesslog.sinks import EventTable, TableLog, TableSource
from sa_privacy.errors import LogUnavailable
from tests.accesslog.events import ENVIRONMENT, EVENTS
from tests.accesslog.sinks.journals import count, held, lines_of, write


def test_it_is_a_log(engine: Engine) -> None:
    with TableLog(engine) as made:
        log: EventLog = made
        assert log.writer is None
        log.preamble = lambda: members(policy="sha256:1")
        first = log.append("intent", members(actor="staff:1", subjects=["customer:1"]))
        assert log.append("outcome", members(rows=1, intent=first), sync=True) == first + 1
        writer = log.writer
        assert writer is not None
        assert [event.kind for event in log.events()] == ["opened", "context", "intent", "outcome"]
    with TableLog(engine) as again:
        events = list(again.events())
        assert [(event.kind, event.seq, event.writer) for event in events][-1] == ("closed", 4, writer)
        assert events[0].format == 2
        assert again.verify().ok
        assert again.writer is None, "one that is only read leaves no trace"


def test_a_line_is_the_same_as_in_a_journal(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_790_000_000_000_001_000
    monkeypatch.setattr("time.time_ns", lambda: now)
    monkeypatch.setattr("sa_privacy.accesslog.journal.segment.time_ns", lambda: now)
    monkeypatch.setattr("secrets.token_hex", lambda _: "00c0ffee00c0ffee")
    with TableLog(engine) as table, AccessLog.open(tmp_path / "log") as journal:
        for kind, said in EVENTS:
            table.append(kind, said)
            journal.append(kind, said)
    assert held(engine) == list(lines_of(tmp_path / "log"))


def test_threads_share_one_chain(engine: Engine) -> None:
    with TableLog(engine) as log:
        threads = [Thread(target=write, args=(log, 12, seed)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert log.verify().ok
        assert log.verify().segments == 1


def test_a_fork_is_a_new_writer_and_leaves_the_parent_its_connection(engine: Engine) -> None:
    with TableLog(engine.url) as log:
        log.append("use", members(actor="parent"))
        child = os.fork()
        if child == 0:
            code = 1
            try:
                log.append("use", members(actor="child"))
                log.close()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        log.append("use", members(actor="parent"))
    found = [(event.writer, event.kind) for event in EventTable(engine).events()]
    assert len({writer for writer, _ in found}) == 2
    assert [kind for _, kind in found].count("use") == 3
    assert EventTable(engine).verify().ok
    assert EventTable(engine).verify().unclosed == ()


def test_what_cannot_stand_in_a_line_is_refused_and_nothing_else_happens(engine: Engine) -> None:
    with TableLog(engine) as log:
        for kind, said in (("Kind", b""), ("opened", b""), ("use", b'"actor":"a"\n')):
            with pytest.raises(ValueError, match=r"kind|log itself|line break"):
                log.append(kind, said)
        log.append("use", b"")
        writer = log.writer
        with pytest.raises(LogUnavailable, match="longer than a line"):
            log.append("use", b'"actor":"' + b"x" * (16 * 1024 * 1024) + b'"')
        log.append("use", b"")
        assert log.writer != writer
        assert log.verify().ok
    with pytest.raises(LogUnavailable, match="closed"):
        log.append("use", b"")


def test_a_database_that_is_away_lets_nothing_run_and_comes_back(engine: Engine) -> None:
    with TableLog(engine) as log:
        log.append("use", members(actor="before"))
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE sa_privacy_events_subjects RENAME TO elsewhere"))
        with pytest.raises(LogUnavailable, match=r"no table|cannot use") as caught:
            log.append("use", members(actor="secret", subjects=["customer:1"]))
        assert "secret" not in str(caught.value)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO sa_privacy_events_subjects"))
        log.append("use", members(actor="after", subjects=["customer:1"]))
    assert [event.actor for event in EventTable(engine).events() if event.kind == "use"] == ["before", "after"]
    assert EventTable(engine).verify().ok


@pytest.mark.backends("postgresql")
def test_a_connection_that_is_cut_is_made_anew(engine: Engine) -> None:
    with TableLog(engine.url) as log:
        log.append("use", members(actor="before"))
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        with pytest.raises(LogUnavailable):
            log.append("use", members(actor="cut"))
        log.append("use", members(actor="after"))
        assert log.verify().ok


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("subjects", [[], ["customer:1", "customer:2"]])
def test_an_event_costs_one_round_trip(tmp_path: Path, engine: Engine, subjects: list[str]) -> None:
    with TableLog(engine) as log:
        log.append("use", b"")
        connection = log._connection
        assert connection is not None
        libpq = connection.connection.driver_connection.pgconn  # type: ignore[union-attr]
        with (tmp_path / "trace").open("wb") as trace:
            libpq.trace(trace.fileno())
            log.append("use", members(subjects=subjects))
            libpq.untrace()
        sent = [line.split("\t") for line in (tmp_path / "trace").read_text().splitlines()]
        assert [message[3] for message in sent if message[1] == "F" and message[3] in {"Query", "Sync"}] == ["Sync"]
        assert count(engine, "sa_privacy_events_subjects") == len(subjects)
        assert log.verify().ok


@pytest.mark.backends("sqlite")
def test_in_the_applications_own_file_it_says_so_instead_of_waiting_for_ever(engine: Engine) -> None:
    with engine.begin() as application:
        application.execute(text("CREATE TABLE things (id int)"))
    with TableLog(engine.url) as log, engine.begin() as application:
        application.execute(text("INSERT INTO things VALUES (1)"))
        begun = time.monotonic()
        with pytest.raises(LogUnavailable, match="another transaction holds its lock") as caught:
            log.append("use", b"")
        assert time.monotonic() - begun < 5
        assert "file of its own" in str(caught.value)


@pytest.mark.backends("sqlite")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with TableLog(f"sqlite:///{tmp_path}/log.db") as log:
        log.append("use", b"")
        connection = log._connection
        assert connection is not None
        raw: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count = {pages}")  # as full as a disk can be, for this file
        with pytest.raises(LogUnavailable, match="full"):
            write(log, 5000)
        log.append("use", b"")
        assert log.verify().ok


@pytest.mark.backends("postgresql")
def test_who_may_not_make_the_table_is_told(engine: Engine) -> None:
    role = f"poor_{make_url(engine.url).database}"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
    try:
        with pytest.raises(LogUnavailable, match="may not do this") as caught:
            TableLog(engine.url.set(username=role))
        assert "--ddl" in str(caught.value)
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP ROLE {role}"))


def test_the_end_of_the_interpreter_closes_it(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    code = f"from sa_privacy.accesslog.sinks import TableLog\nlog = TableLog({url!r})\nlog.append('use', b'')"
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=True)
    assert [event.kind for event in EventTable(engine).events()] == ["opened", "use", "closed"]


def appending(url: str, told: object) -> None:
    """The process that is killed: it tells each event once it is acknowledged."""
    log = TableLog(url)
    while True:
        seq = log.append("use", members(actor="a", subjects=["customer:1", "customer:2"]))
        told.send((log.writer, seq))  # type: ignore[attr-defined]


def test_every_event_that_was_acknowledged_is_there_after_kill_9(engine: Engine) -> None:
    kills = int(os.environ.get("SA_PRIVACY_KILLS", "3"))
    context = multiprocessing.get_context("fork")
    EventTable(engine).create()
    engine.dispose()
    acknowledged = set()
    for number in range(kills):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=appending, args=(engine.url.render_as_string(hide_password=False), theirs))
        process.start()
        theirs.close()
        for _ in range(5 + number % 7):
            acknowledged.add(ours.recv())
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        while True:
            try:
                acknowledged.add(ours.recv())
            except EOFError:
                break
    table = EventTable(engine)
    assert table.verify().ok
    assert acknowledged <= {(event.writer, event.seq) for event in table.events()}
    found = TableSource(table).find(Wanted(subject="customer:2"))
    assert acknowledged <= {(event.writer, event.seq) for event in found}
    assert count(engine, "sa_privacy_events_writers") == kills


def test_an_engine_that_is_given_stays_open(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    mine = create_engine(engine.url)
    TableLog(mine).close()
    with mine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    mine.dispose()
