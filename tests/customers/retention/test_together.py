"""Several workers at one schedule: threads, processes that are killed, and a second process that joins."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any, Final

import pytest
from sqlalchemy import Engine, create_engine, delete, event, func, insert, select

from sa_privacy import AccessLog, NoAccess, PolicyError, Privacy
from sa_privacy.bulk import CHUNKS, WORKS, Lease, keys
from sa_privacy.customers.retention import parts
from sa_privacy.executors import Processes
from tests.customers.retention import world
from tests.jobs.killing import CONTEXT, start_server
from tests.support.databases import Database

SCHEDULES: Final[dict[str, Any]] = {"visits": {"table": "visits", "clock": "at", "period": "P6M", "action": "delete"}}
ROWS, DUE = 200, 160


class Forked(Processes):
    """Processes that are there at once."""

    def _begin(self) -> ProcessPoolExecutor:
        start_server()
        return ProcessPoolExecutor(self._count, mp_context=CONTEXT)


@pytest.fixture(autouse=True)
def visits(database: Database) -> None:
    """Many, of which every fifth is not due."""
    plain = create_engine(database.url)
    world.filled(database)
    rows = [
        {
            "id": number,
            "at": world.NOW.replace(tzinfo=None) if number % 5 == 0 else world._at("2026-01-01"),
            "page": "page",
            "token": f"t{number}",
        }
        for number in range(1, ROWS + 1)
    ]
    with plain.begin() as connection:
        connection.execute(delete(world.Visit))
        connection.execute(insert(world.Visit), rows)
    plain.dispose()


def left(database: Database) -> tuple[int, ...]:
    """Visits, work, and chunks."""
    plain = create_engine(database.url)
    with plain.connect() as connection:
        found = [
            connection.scalar(select(func.count()).select_from(table))
            for table in (world.Visit.__table__, WORKS, CHUNKS)
        ]
    plain.dispose()
    return tuple(found)  # type: ignore[arg-type]


def make(url: str, log: str, pids: str, who: str | None) -> tuple[Any, ...]:
    """What a worker works with."""
    Path(pids, str(os.getpid())).touch()
    engine = create_engine(url)
    privacy = Privacy(world.policy(SCHEDULES), keys=world.KEYS, log=AccessLog.open(log), metadata=world.Base)
    privacy.install(engine)
    return (engine, privacy) if who is None else (engine, privacy, partial(privacy.system, who))


@pytest.fixture
def maker(database: Database, tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "pids").mkdir()
    url = database.url.render_as_string(hide_password=False)
    return partial(make, url, str(tmp_path / "workers"), str(tmp_path / "pids"))


def told(log: AccessLog) -> int:
    """How many rows the outcomes of chunks tell of, each of which has its intent."""
    events = [event for event in log.events() if event.statement == "job:retention:visits"]
    outcomes = [event for event in events if event.kind == "outcome"]
    assert {event.intent for event in outcomes} == {event.seq for event in events if event.kind == "intent"}
    return sum(event.rows or 0 for event in outcomes)


def test_threads(database: Database, engine: Engine) -> None:
    with world.made(engine, world.policy(SCHEDULES)) as privacy, world.officer(privacy), ThreadPoolExecutor(3) as pool:
        report = privacy.retention.run(engine, chunk=10, executor=pool, workers=3)
    assert report.rows == DUE
    assert left(database) == (ROWS - DUE, 0, 0)


def test_keys_that_cannot_be_written_down_are_told_by_the_plan(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(keys.PLAIN, int)
    with (
        world.made(engine, world.policy(SCHEDULES)) as privacy,
        world.officer(privacy),
        engine.connect() as connection,
        pytest.raises(PolicyError, match="visits: a key of the type int"),
    ):
        privacy.retention.plan(connection)


def test_processes_that_are_killed(
    database: Database, engine: Engine, tmp_path: Path, maker: Callable[..., Any]
) -> None:
    log, kills = AccessLog.open(tmp_path / "log"), list[int]()

    def kill_one(_: object) -> None:
        if not kills:
            pid = int(next((tmp_path / "pids").iterdir()).name)
            os.kill(pid, signal.SIGKILL)
            kills.append(pid)

    with (
        world.made(engine, world.policy(SCHEDULES), log=log) as privacy,
        world.officer(privacy),
        Forked(2) as pool,
    ):
        report = privacy.retention.run(
            engine, chunk=10, executor=pool, workers=2, make=partial(maker, "nightly"), progress=kill_one
        )
        assert report.rows == told(log) == DUE
    assert kills
    assert left(database) == (ROWS - DUE, 0, 0)
    actors = {event.actor for event in AccessLog.open(tmp_path / "workers").events() if event.kind == "intent"}
    assert actors == {"system:nightly"}


def test_a_second_process_joins(database: Database, engine: Engine, tmp_path: Path) -> None:
    start = Barrier(2)
    logs = [AccessLog.open(tmp_path / name) for name in ("one", "other")]

    def run(log: AccessLog) -> int:
        own = create_engine(database.url)
        with world.made(own, world.policy(SCHEDULES), log=log) as privacy, world.officer(privacy):
            told_of = list[object]()

            def together(progress: object) -> None:
                told_of.append(progress)
                if len(told_of) == 1:  # neither goes on before both have done something
                    start.wait(30)

            report = privacy.retention.run(own, chunk=10, progress=together)
            assert told(log) == report.rows
        own.dispose()
        return report.rows

    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(run, logs))
    assert sum(rows) == DUE
    assert all(rows)
    assert left(database) == (ROWS - DUE, 0, 0)


@contextmanager
def told_to(database: Database) -> Iterator[list[str]]:
    """An engine's statements over the tables of work under way."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if CHUNKS.name in statement or WORKS.name in statement:
            sent.append(" ".join(statement.split()[:2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_rows_of_one_chunk_are_leased_by_nobody(database: Database) -> None:
    """Where rows go, and nobody began the same before."""
    with told_to(database) as sent:
        assert run(database) == DUE
    assert {one for one in sent if one.startswith(("INSERT", "UPDATE", "DELETE"))} == set()
    assert left(database) == (ROWS - DUE, 0, 0)


def test_what_is_under_way_is_gone_on_with_though_little_is_left(database: Database) -> None:
    """Otherwise it would stand in the tables, keys and all, until it is forgotten."""
    with pytest.raises(Died):
        run(database, chunk=100, progress=die)
    assert left(database)[1:] == (1, 2)
    assert run(database, chunk=100) == DUE - 100
    assert left(database) == (ROWS - DUE, 0, 0)


def test_two_who_do_the_same_at_once_do_it_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, carry_out = Barrier(2), parts.Part.carry_out

    def together(self: parts.Part, lease: Lease) -> Any:
        start.wait(30)  # both have planned it, and neither has begun
        return carry_out(self, lease)

    monkeypatch.setattr(parts.Part, "carry_out", together)
    logs = [AccessLog.open(tmp_path / name) for name in ("one", "other")]

    def one(log: AccessLog) -> int:
        own = create_engine(database.url)
        with world.made(own, world.policy(SCHEDULES), log=log) as privacy, world.officer(privacy):
            rows = privacy.retention.run(own).rows
            assert told(log) == rows
        own.dispose()
        return rows

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, logs)) == [0, DUE]
    assert left(database) == (ROWS - DUE, 0, 0)


def test_somebody_has_to_act_in_a_worker(engine: Engine, maker: Callable[..., Any]) -> None:
    with (
        world.made(engine, world.policy(SCHEDULES)) as privacy,
        world.officer(privacy),
        Forked(1) as pool,
        pytest.raises(NoAccess, match="nobody acts") as refused,
    ):
        privacy.retention.run(engine, executor=pool, make=partial(maker, None))
    assert "nightly" in str(refused.value.hint)


@pytest.mark.backends("sqlite")
def test_several_workers_do_not_share_a_connection(engine: Engine) -> None:
    with (
        world.made(engine, world.policy(SCHEDULES)) as privacy,
        world.officer(privacy),
        engine.connect() as connection,
        ThreadPoolExecutor(2) as pool,
        pytest.raises(PolicyError, match="share a connection"),
    ):
        privacy.retention.run(connection, executor=pool)


class Died(Exception):
    """Stands for a process that ends here."""


def die(_: object) -> None:
    raise Died


def run(database: Database, now: datetime = world.NOW, **options: Any) -> int:
    own = create_engine(database.url)
    try:
        with world.made(own, world.policy(SCHEDULES), now=now) as privacy, world.officer(privacy):
            return int(privacy.retention.run(own, **options).rows)
    finally:
        own.dispose()


def test_who_goes_on_with_an_older_run_does_their_own_too(database: Database) -> None:
    """What came to be due since then is not left for the next night."""
    with pytest.raises(Died):
        run(database, chunk=100, progress=die)
    assert run(database, world.NOW + timedelta(days=300), chunk=100) == ROWS - 100
    assert left(database) == (0, 0, 0)


def test_who_takes_larger_chunks_over_leaves_nothing_of_them(database: Database) -> None:
    with pytest.raises(Died):
        run(database, chunk=80, progress=die)
    assert run(database, chunk=5) == DUE - 80
    assert left(database)[0] == ROWS - DUE


def test_people_who_were_erased_are_told_of_though_the_lease_ran_out(
    database: Database, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = {"visits": {"table": "people", "clock": "seen_on", "period": "P3Y", "action": "delete"}}
    plain, erase = create_engine(database.url), parts.People._person

    def slowly(self: parts.People, *person: Any) -> Any:
        done = erase(self, *person)
        with plain.begin() as connection:  # meanwhile another process had the chunk, and is done with it
            connection.execute(CHUNKS.update().values(turn=CHUNKS.c.turn + 1, done=True))
        return done

    monkeypatch.setattr(parts.People, "_person", slowly)
    log = AccessLog.open(tmp_path / "log")
    with world.made(engine, world.policy(people), log=log) as privacy, world.officer(privacy):
        report = privacy.retention.run(engine)
        assert report.rows == told(log) == 1
    plain.dispose()
