"""A job in a process of its own, which is killed, and writers that do not care."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, create_engine, delete, insert, text, update

from sa_privacy import Keyring, Privacy
from sa_privacy.jobs import batch, seal
from tests.jobs.far_away import SlowSql
from tests.jobs.world import FAR, POLICY, Base, Customer, maintaining

COLUMNS = ["customers.name", "customers.email"]
CONTEXT = multiprocessing.get_context("forkserver")

Row = tuple[str | None, str]


@cache
def start_server() -> None:
    """The forkserver has all imported already: a job is there within milliseconds, and killed in the middle of its work.

    It is told where imports come from by the environment alone (before Python 3.13).
    """
    CONTEXT.set_forkserver_preload([__name__])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


def run_job(url: str, keys: str, rows: int, starts: Connection) -> None:
    """The process that is killed."""
    engine = create_engine(url)
    with maintaining(Keyring.load(keys)) as privacy, patch.object(batch, "TableSql", SlowSql):
        starts.send(True)
        seal(engine, privacy, COLUMNS, batch=rows)
    engine.dispose()


def killed(url: str, keys: Path, *, rows: int, after: float | None) -> bool:
    """Runs the job, and kills it (SIGKILL) so many seconds after it began; None: lets it end. Whether it ended by itself."""
    start_server()
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=run_job, args=(url, str(keys), rows, theirs))
    process.start()
    theirs.close()
    assert ours.recv()
    if after is not None:
        process.join(after)
        process.kill()
    process.join(60)
    code = process.exitcode
    process.close()
    ours.close()
    assert code in (0, -9), code
    return code == 0


class Writer(Thread):
    """An application thread: it inserts, changes and deletes rows of its own, and knows what they must hold.

    :param mine: the rows that it begins with.
    :param first_new: the key of the first row that it inserts.
    """

    def __init__(self, engine: Engine, privacy: Privacy, mine: dict[int, Row], first_new: int) -> None:
        super().__init__()
        self._engine = engine
        self._privacy = privacy
        self._random = random.Random(first_new)
        self._next = first_new
        self._stop_asked = Event()
        # Each of these is written once, as far as they reach: a stale write must not be healed by the next good one.
        self._untouched: list[int] = []
        self.expected: dict[int, Row] = {}
        self.take(mine)
        self.written = 0
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            with self._privacy.access("all", role="staff", actor="writer"):
                while not self._stop_asked.is_set():
                    self._write()
                    time.sleep(0.0005)
        except Exception as error:  # noqa: BLE001 - told by stop()
            self.failure = error

    def _write(self) -> None:
        self.written += 1
        value = f"w{self._next}.{self.written}@example.org"
        name = self._random.choice([None, f"Writer {self.written}"])
        what = self._random.random()
        some = self._untouched
        key = some.pop(self._random.randrange(len(some))) if some else self._random.choice([*self.expected][-20:])
        if what < 0.1:
            key, self._next = self._next, self._next + 1
            statement: Any = insert(Customer).values(id=key, name=name, email=value)
        elif what < 0.2:
            statement = delete(Customer).where(Customer.id == key)
        else:
            statement = update(Customer).where(Customer.id == key).values(name=name, email=value)
        with self._engine.begin() as connection:
            connection.execute(statement)
        if statement.is_delete:
            del self.expected[key]
        else:
            self.expected[key] = (name, value)

    def take(self, rows: dict[int, Row]) -> None:
        """Some more rows are its own."""
        self.expected.update(rows)
        self._untouched += rows

    def stop(self) -> None:
        """Ends it, and says whether it went wrong."""
        self._stop_asked.set()
        self.join(60)
        if self.failure is not None:
            raise self.failure


@contextmanager
def writers(engine: Engine, keys: Keyring, expected: dict[int, Row], number: int = 2) -> Iterator[list[Writer]]:
    """Writers through a protected engine of the release that accepts plain values; each has every `number`-th row."""
    privacy = Privacy(POLICY, keys=keys, log=None, metadata=Base, accept_plaintext=dict.fromkeys(COLUMNS, FAR))
    privacy.install(engine)
    found = [
        Writer(engine, privacy, {k: v for k, v in expected.items() if k % number == part}, 100_000 * (part + 1) + part)
        for part in range(number)
    ]
    for writer in found:
        writer.start()
    try:
        yield found
    finally:
        for writer in found:
            writer.stop()
        privacy.close()


def put_plain(engine: Engine, rows: dict[int, Row]) -> None:
    """Rows as a process of the old release leaves them behind."""
    form = "convert_to(:{0}, 'UTF8')" if engine.dialect.name == "postgresql" else ":{0}"
    statement = f"INSERT INTO customers (id, name, email) VALUES (:id, {form.format('name')}, {form.format('email')})"
    with engine.begin() as connection:
        given = [{"id": key, "name": name, "email": email} for key, (name, email) in rows.items()]
        connection.execute(text(statement), given)
