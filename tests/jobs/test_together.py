"""Several at one job: workers die and are replaced, coordinators die and are taken over from, two of them share the work."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Column, Engine, MetaData, String, Table, create_engine, func, select
from sqlalchemy.dialects.postgresql import INET

from sa_privacy import AccessLog, Encrypted, Keyring, PolicyError
from sa_privacy.bulk import CHUNKS, WORKS, boards
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import Processes, WorkersLost, reseal, seal
from tests.jobs.far_away import make_slow
from tests.jobs.killing import CONTEXT, killed, start_server
from tests.jobs.world import Customer, fill, maintaining, opened, raw

COLUMNS = ["customers.email", "customers.name"]
ROWS = 400


class Forked(Processes):
    """Processes that are there at once."""

    def _begin(self) -> ProcessPoolExecutor:
        start_server()
        return ProcessPoolExecutor(self._count, mp_context=CONTEXT)


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    made = Keyring.generate()
    made.save(tmp_path / "keys.json")
    return made


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """Plain values, and the library's tables for chunks."""
    for table in (WORKS, CHUNKS):
        table.create(engine)
    fill(engine, ROWS)
    return engine


@pytest.fixture
def crew(filled: Engine, keys: Keyring, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Two processes, and what they work with."""
    pids = tmp_path / "pids"
    pids.mkdir()
    url = filled.url.render_as_string(hide_password=False)
    with Forked(2) as pool:
        make = partial(make_slow, url, str(tmp_path / "keys.json"), str(pids))
        yield {"executor": pool, "workers": 2, "make": make}


def must_be_told_of(log: AccessLog, rows: int) -> None:
    """Each chunk has an intent and an outcome, and together they changed so many rows."""
    events = [event for event in log.events() if event.kind in ("intent", "outcome") and event.rows != -1]
    intents = {event.seq for event in events if event.kind == "intent"}
    outcomes = [event for event in events if event.kind == "outcome"]
    assert {event.intent for event in outcomes} <= intents
    assert len({event.intent for event in outcomes}) == len(outcomes)
    assert sum(event.rows or 0 for event in outcomes) == rows
    assert len(intents) - len(outcomes) in (0, 1)  # the change of type says no number of rows


def must_be_sealed(engine: Engine, keys: Keyring, make_engine: Callable[..., Engine], before: list[Any]) -> None:
    assert all(is_cell(email) and (name is None or is_cell(name)) for _, name, email in raw(engine))
    with maintaining(keys) as privacy:
        assert opened(privacy, make_engine, select(Customer.id, Customer.name, Customer.email)) == before
    with engine.connect() as connection:
        assert [connection.scalar(select(func.count()).select_from(t)) for t in (WORKS, CHUNKS)] == [0, 0]


def test_workers_that_are_killed_are_replaced(
    filled: Engine, keys: Keyring, crew: dict[str, Any], make_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    before, log, moments = raw(filled), AccessLog.open(tmp_path / "log"), random.Random(1)
    kills = list[int]()

    def kill_one(_: object) -> None:
        if len(kills) < 3 and moments.random() < 0.3:
            pid = moments.choice([int(path.name) for path in (tmp_path / "pids").iterdir()])
            (tmp_path / "pids" / str(pid)).unlink()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                kills.append(pid)

    with maintaining(keys, log=log) as privacy:
        [report] = seal(filled, privacy, COLUMNS, batch=10, progress=kill_one, **crew)
        assert report.complete
        must_be_told_of(log, ROWS)
    assert len(kills) == 3
    must_be_sealed(filled, keys, make_engine, before)


def test_workers_that_die_at_once_are_not_replaced_for_ever(filled: Engine, keys: Keyring) -> None:
    with maintaining(keys) as privacy, Forked(2) as dying:
        with pytest.raises(WorkersLost) as lost:
            seal(filled, privacy, COLUMNS, executor=dying, make=partial(os._exit, 1))
        assert "goes on where it was" in str(lost.value.hint)
        [report] = seal(filled, privacy, COLUMNS)  # its leases were given back
    assert report.complete


def test_an_executor_of_the_callers_own_is_theirs_to_replace(filled: Engine, keys: Keyring) -> None:
    start_server()
    with (
        maintaining(keys) as privacy,
        ProcessPoolExecutor(1, mp_context=CONTEXT, initializer=os._exit, initargs=(1,)) as pool,
        pytest.raises(WorkersLost, match="lost its workers"),
    ):
        seal(filled, privacy, COLUMNS, executor=pool)


def test_two_processes_share_a_job(
    filled: Engine, keys: Keyring, make_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    """Each row is sealed by one of them, and both report that all of it is."""
    before, start = raw(filled), Barrier(2)
    logs = [AccessLog.open(tmp_path / name) for name in ("one", "other")]

    def run(log: AccessLog) -> int:
        engine = create_engine(filled.url)
        with maintaining(keys, log=log) as privacy:
            told = list[object]()

            def together(progress: object) -> None:
                told.append(progress)
                if len(told) == 1:  # neither goes on before both have done something
                    start.wait(30)

            [report] = seal(engine, privacy, COLUMNS, batch=10, progress=together)
            changed = sum(event.rows or 0 for event in log.events() if event.kind == "outcome" and event.rows != -1)
        engine.dispose()
        assert report.complete
        assert report.tally is not None
        assert report.tally.changed == changed
        return changed

    with maintaining(keys) as privacy:
        seal(filled, privacy, COLUMNS, dry_run=True)
        if filled.dialect.name == "postgresql":  # the type first: that is one process's work
            from sa_privacy.jobs.retype import to_bytes
            from sa_privacy.jobs.target import targets_of

            with filled.connect() as connection:
                to_bytes(connection, targets_of(privacy, COLUMNS)[0], 5.0)
    with ThreadPoolExecutor(2) as pool:
        changed = list(pool.map(run, logs))
    assert sum(changed) == ROWS
    assert all(changed)
    must_be_sealed(filled, keys, make_engine, before)


@pytest.mark.backends("postgresql")
def test_keys_that_cannot_be_written_down_are_refused_first(engine: Engine) -> None:
    """Before the type of a column is changed, and by a dry run as well."""
    hosts = Table(
        "hosts",
        MetaData(),
        Column("address", INET, primary_key=True),
        Column("name", Encrypted(String(100), category="name")),
    )
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE hosts (address INET PRIMARY KEY, name VARCHAR(100))",
            "INSERT INTO hosts VALUES ('10.0.0.1', 'a')",
        ):
            connection.exec_driver_sql(statement)
        WORKS.create(connection)
        CHUNKS.create(connection)
    with maintaining(metadata=hosts.metadata) as privacy:
        for dry_run in (True, False):
            with pytest.raises(PolicyError, match="hosts: a key of the type IPv4Address"):
                seal(engine, privacy, ["hosts.name"], dry_run=dry_run)
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT name FROM hosts").scalar() == "a"
            for table in (CHUNKS, WORKS):
                table.drop(connection)
        [report] = seal(engine, privacy, ["hosts.name"])  # one process keeps ranges in memory
        assert report.complete


def test_a_coordinator_that_was_killed_is_taken_over_from(
    filled: Engine, keys: Keyring, make_engine: Callable[..., Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, url = raw(filled), filled.url.render_as_string(hide_password=False)
    after = 0.1
    while not killed(url, tmp_path / "keys.json", rows=20, after=after):
        with filled.connect() as connection:
            held = connection.scalar(select(func.count()).select_from(CHUNKS).where(~CHUNKS.c.done))
        if held:
            break
        after += 0.05
    else:
        pytest.fail("it was never killed in the middle")
    monkeypatch.setattr(boards, "LASTING", 0.5)
    with filled.begin() as connection:  # as if twenty seconds had gone by
        connection.execute(CHUNKS.update().values(until=connection.scalar(select(WORKS.c.begun_at))))
    with maintaining(keys) as privacy:
        [report] = seal(filled, privacy, ["customers.name", "customers.email"], batch=20)
    assert report.complete
    must_be_sealed(filled, keys, make_engine, before)


def test_threads_reseal_with_leases(filled: Engine, keys: Keyring, make_engine: Callable[..., Engine]) -> None:
    before = raw(filled)
    with maintaining(keys) as privacy, ThreadPoolExecutor(3) as pool:
        seal(filled, privacy, COLUMNS)
        keys.rotate()
        [report] = reseal(filled, privacy, COLUMNS, batch=20, executor=pool, workers=3)
        assert report.tally is not None
        assert (report.tally.changed, report.tally.passes) == (ROWS, 1)
    must_be_sealed(filled, keys, make_engine, before)


def test_a_worker_with_another_keyring_is_refused(filled: Engine, keys: Keyring, crew: dict[str, Any]) -> None:
    before = raw(filled, "email")
    keys.rotate()  # and the file is as it was
    with maintaining(keys) as privacy, pytest.raises(PolicyError, match="another keyring") as refused:
        seal(filled, privacy, COLUMNS, **crew)
    assert "same file" in str(refused.value.hint)
    assert [bytes(v) if isinstance(v, memoryview) else v for (v,) in raw(filled, "email")] == [
        v.encode() if filled.dialect.name == "postgresql" else v for (v,) in before
    ]


class Elsewhere(Executor):
    """Workers of other machines."""


@pytest.mark.backends("sqlite")
def test_workers_elsewhere_need_the_tables(engine: Engine, keys: Keyring) -> None:
    fill(engine, 3)
    with maintaining(keys) as privacy, pytest.raises(PolicyError, match="no table sa_privacy_works") as refused:
        seal(engine, privacy, COLUMNS, executor=Elsewhere())
    assert "sa-privacy tables upgrade" in str(refused.value.hint)
