"""Application processes do not wait for each other: one is stopped in the middle, and the other goes on."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.processes.__main__ import ALL, processes, together
from benchmarks.processes.process import MIX
from benchmarks.processes.waiting import Watch
from benchmarks.processes.world import prepare
from sa_privacy.accesslog import Checkpoints, verify_directory
from sa_privacy.accesslog.journal.reading import segment_names
from sa_privacy.accesslog.proof.places import locked
from sa_privacy.crypto import SigningKey
from tests.support.databases import postgresql_database
from tests.support.postgres import Server

PATIENCE = 30
"""Seconds after which who waits is held to wait for ever: a stopped process lets go of nothing."""
STOPS = 20
PEOPLE = 20

Running = list[tuple[Any, Connection]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, postgresql_server: Server) -> Iterator[tuple[Running, Path]]:
    """Two processes over one database, one log directory and one keyring; a file of the log holds a few events."""
    folder = tmp_path_factory.mktemp("processes")
    with postgresql_database(postgresql_server) as database:
        url = database.url.render_as_string(hide_password=False)
        prepare(url, folder, PEOPLE)
        with processes(2, url, folder, PEOPLE, segment_bytes=4_000) as found:
            together(found, "protected", PATIENCE, most=len(MIX))
            yield found, folder


def test_nobody_waits_for_a_process_that_was_stopped_in_the_middle(running: tuple[Running, Path]) -> None:
    (stopped, its_pipe), *others = running[0]
    its_pipe.send(("protected", ALL, ALL))
    for _ in range(STOPS):
        time.sleep(random.uniform(0, 0.02))
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            for _, pipe in others:
                pipe.send(("protected", ALL, 6))
            for _, pipe in others:
                assert pipe.poll(PATIENCE), "it waits for the one that was stopped"
                assert pipe.recv().operations == 6
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
    assert not its_pipe.poll(), "it had ended before it was stopped for the last time"
    its_pipe.send(("protected", 0, 0))
    assert its_pipe.recv().operations > 0
    assert its_pipe.recv().operations == 0


def test_events_do_not_wait_for_who_makes_checkpoints(running: tuple[Running, Path]) -> None:
    """The directory has one lock, that of checkpoints and of letting go: whoever keeps it for ever keeps up no event."""
    processes, folder = running
    with locked(folder / "log"):
        assert [one.operations for one in together(processes, "protected", PATIENCE, most=6)] == [6, 6]
    assert Checkpoints(folder / "log", SigningKey.generate()).write() is not None


def test_who_waits_for_a_lock_is_seen(postgresql_server: Server, tmp_path: Path) -> None:
    """In the database and on a file: the benchmark's "nobody waits" is worth something."""
    with postgresql_database(postgresql_server) as database:
        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with (
            psycopg.connect(url, autocommit=True) as watching,
            psycopg.connect(url) as holds,
            psycopg.connect(url) as wants,
            (tmp_path / "file").open("w") as held,
            (tmp_path / "file").open("w") as wanted,
        ):
            holds.execute("SELECT pg_advisory_xact_lock(9)")
            fcntl.flock(held, fcntl.LOCK_EX)
            waiting = [
                threading.Thread(target=wants.execute, args=("SELECT pg_advisory_xact_lock(9)",)),
                threading.Thread(target=fcntl.flock, args=(wanted, fcntl.LOCK_EX)),
            ]
            with Watch(watching, [os.getpid()], every=0.01) as watch:
                for thread in waiting:
                    thread.start()
                until = time.monotonic() + PATIENCE
                while not (watch.seen["locks"] and watch.seen["files"]) and time.monotonic() < until:
                    time.sleep(0.01)
            holds.rollback()
            fcntl.flock(held, fcntl.LOCK_UN)
            for thread in waiting:
                thread.join()
    assert watch.seen["locks"] > 0
    assert watch.seen["files"] > 0


def test_the_log_of_all_holds(running: tuple[Running, Path]) -> None:
    """They wrote into one directory, each its own files, which followed each other while one of them was stopped."""
    log = running[1] / "log"
    found = verify_directory(log)
    assert found.ok, str(found)
    assert found.segments > STOPS
    assert len({name[-22:-6] for name in segment_names(log)}) == 3  # and who prepared the world
