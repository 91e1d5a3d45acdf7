"""The ledger knows of an erasure before anything is destroyed, and how it ended; where it cannot, nothing is erased."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, ErasureRefused, Keyring, PolicyError, Privacy
from sa_privacy.accesslog.sinks.tablelog import TableLog
from sa_privacy.errors import LogUnavailable
from tests.customers.destruction import world
from tests.support.databases import Database


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "erasures"


@pytest.fixture
def made(database: Database, engine: Engine, place: Path) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine, erasures=AccessLog.open(place)) as privacy:
        yield privacy


def officer(privacy: Privacy) -> Any:
    return privacy.access(actor="officer:1", role="officer", reason="asked for")


def erase(privacy: Privacy, engine: Engine, key: int = 1) -> str:
    with officer(privacy), Session(engine) as session:
        plan = privacy.erasure.plan(session, key)
        session.rollback()
        return privacy.erasure.run(engine, plan).record


def states(place: Path) -> list[str | None]:
    with AccessLog.open(place) as log:
        return [one.state for one in log.events() if one.kind == "erasure"]


def test_an_erasure_begins_in_the_ledger_before_anything_goes(made: Privacy, engine: Engine, place: Path) -> None:
    seen: list[list[str | None]] = []

    @event.listens_for(engine, "before_cursor_execute")
    def look(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith(("DELETE", "UPDATE")):
            seen.append(states(place))

    erase(made, engine)
    assert seen
    assert all(one == ["begun"] for one in seen)
    assert states(place) == ["begun", "done"]


def test_the_ledger_names_nobody(made: Privacy, engine: Engine, place: Path) -> None:
    with officer(made), Session(engine) as session:
        assert made.erasure.plan(session, 1).ledger is True
    erase(made, engine)
    with AccessLog.open(place) as log:
        begun = next(one for one in log.events() if one.kind == "erasure")
        assert log.verify().ok
    assert begun.subjects == [world.KEYS.pseudonym_key().of("person", 1)]
    assert (begun.people, begun.actor, begun.reason) == ("person", "officer:1", "asked for")
    written = b"".join(file.read_bytes() for file in place.rglob("*") if file.is_file()).lower()
    assert b"ann" not in written
    assert b"example.com" not in written


def test_where_the_ledger_cannot_be_written_nothing_is_erased(made: Privacy, engine: Engine) -> None:
    before = world.state(made, engine)
    assert made._erased is not None
    made._erased.close()
    with pytest.raises(LogUnavailable):
        erase(made, engine)
    assert world.state(made, engine) == before


def test_what_an_error_ends_is_undone(made: Privacy, engine: Engine, place: Path) -> None:
    @event.listens_for(engine, "before_cursor_execute")
    def fail(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("DELETE FROM people"):
            raise RuntimeError("the cable")

    before = world.state(made, engine)
    with pytest.raises(RuntimeError):
        erase(made, engine)
    event.remove(engine, "before_cursor_execute", fail)
    assert world.state(made, engine) == before
    assert states(place) == ["begun", "undone"]


def killed(url: Any, place: str, moment: str, keys: str) -> None:
    """In a process of its own: an erasure that gets as far as a moment."""
    engine = Database(url.get_backend_name(), url).engine()
    with world.protected(engine, keys=Keyring.load(keys), erasures=AccessLog.open(place)) as privacy:

        def die(*_: Any) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def die_at(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if statement.startswith("DELETE FROM people"):
                die()

        if moment == "while rows go":
            event.listen(engine, "before_cursor_execute", die_at)
        else:
            privacy.erasure._ledger.end = die  # type: ignore[method-assign, union-attr]
        erase(privacy, engine)


@pytest.mark.parametrize(("moment", "ended"), [("while rows go", "undone"), ("after the commit", "done")])
def test_what_a_killed_process_left_open_is_closed_as_the_database_says(
    database: Database, engine: Engine, place: Path, moment: str, ended: str, tmp_path: Path
) -> None:
    world.filled(database)
    with world.protected(engine) as privacy:
        before = world.state(privacy, engine)
    engine.dispose()
    world.KEYS.save(tmp_path / "keys.json")
    process = multiprocessing.get_context("spawn").Process(
        target=killed, args=(database.url, str(place), moment, str(tmp_path / "keys.json"))
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert states(place) == ["begun"]
    with world.protected(engine, erasures=AccessLog.open(place)) as privacy, officer(privacy):
        settled = privacy.erasure.resume(engine)
        assert list(settled.values()) == [ended]
        assert privacy.erasure.resume(engine) == {}
    assert states(place) == ["begun", ended]
    with world.protected(engine) as privacy:
        after = world.state(privacy, engine)
    if ended == "undone":
        assert after == before
    else:
        assert 1 not in [row[0] for row in after["people"]]


def test_only_who_erases_closes_entries(made: Privacy, engine: Engine) -> None:
    with made.access("everything", actor="clerk:1", role="clerk"), pytest.raises(ErasureRefused, match="officer"):
        made.erasure.resume(engine)


def test_the_ledger_is_not_in_the_database_it_is_about(database: Database, engine: Engine, tmp_path: Path) -> None:
    same = TableLog(database.url)
    try:
        with pytest.raises(PolicyError, match="would bring back both"), world.protected(engine, erasures=same):
            pass
    finally:
        same.close()
    with world.protected(engine, erasures=TableLog(f"sqlite:///{tmp_path / 'apart.db'}")):
        pass


def test_a_ledger_takes_a_keyring_and_is_not_the_access_log(tmp_path: Path, engine: Engine) -> None:
    with AccessLog.open(tmp_path / "log") as log:
        with pytest.raises(PolicyError, match="no keyring"), world.protected(engine, erasures=log, keys=None):
            pass
        with pytest.raises(PolicyError, match="of its own"), world.protected(engine, erasures=log, log=log):
            pass


def test_without_a_ledger_people_are_erased_and_nobody_can_replay(database: Database, engine: Engine) -> None:
    world.filled(database)
    with world.protected(engine) as privacy:
        with officer(privacy), Session(engine) as session:
            assert privacy.erasure.plan(session, 1).ledger is False
        erase(privacy, engine)
        with officer(privacy):
            for ask in (privacy.erasure.resume, privacy.erasure.replay, privacy.erasure.unknown):
                with pytest.raises(PolicyError, match="no ledger"):
                    ask(engine)
