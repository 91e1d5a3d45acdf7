"""A slow disk: under ``fsync="always"`` nothing runs and nothing is handed over before its event is on it.

The system call is made to wait; a disk that is slow at a chosen moment, and no other, cannot be had.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from sa_privacy import AccessLog, Keyring, Privacy
from tests.gate import world
from tests.gate.trail import CLERK, Trail
from tests.gate.world import Customer


class Gate:
    """Lets syncs through, or makes them wait."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.shut = threading.Lock()
        self.waiting = 0
        self._real = os.fdatasync
        patch.setattr(os, "fdatasync", self.fdatasync)

    def fdatasync(self, fd: int) -> None:
        self.waiting += 1
        with self.shut:
            self.waiting -= 1
        self._real(fd)


def until(what: str, holds: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.002)


@pytest.mark.parametrize("moment", ["intent", "outcome"])
def test_nothing_happens_before_the_event_is_on_the_disk(
    engine: Engine, tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Gate(monkeypatch)
    log = AccessLog.open(tmp_path / "log", fsync="always")
    privacy = Privacy(world.POLICY, keys=Keyring.generate(), log=log, metadata=world.Base)
    privacy.install(engine)
    world.fill(privacy, engine)
    trail = Trail(log)
    ran: list[int] = []
    handed: list[Any] = []

    def note(*_: Any) -> None:
        ran.append(1)
        if moment == "outcome":
            disk.shut.acquire()

    def read() -> None:
        with engine.connect() as connection, privacy.access(**CLERK):
            result = connection.execute(select(Customer.id, Customer.name))
            handed.extend(result.all())

    event.listen(engine, "do_execute", note)
    if moment == "intent":
        disk.shut.acquire()
    thread = threading.Thread(target=read)
    thread.start()
    try:
        until("somebody waits for the disk", lambda: disk.waiting)
        time.sleep(0.05)
        assert ran == ([] if moment == "intent" else [1])
        assert handed == []
        assert [found.kind for found in log.events()][-1] == moment, "it is written, and not yet known to stay"
    finally:
        disk.shut.release()
        thread.join()
    event.remove(engine, "do_execute", note)
    assert len(handed) == 3
    assert trail.rows == 3
    privacy.close()
    log.close()


def test_others_go_on_while_one_waits(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under "interval" the disk holds up nobody."""
    disk = Gate(monkeypatch)
    log = AccessLog.open(tmp_path / "log", interval=0.01)
    privacy = Privacy(world.POLICY, keys=Keyring.generate(), log=log, metadata=world.Base)
    privacy.install(engine)
    world.fill(privacy, engine)
    with disk.shut, engine.connect() as connection, privacy.access(**CLERK):
        for _ in range(3):
            assert len(connection.execute(select(Customer.name)).all()) == 3
            until("the thread waits at the disk", lambda: disk.waiting)
        waiting = log.metrics()
        assert waiting.unsynced_bytes > 0
        assert (waiting.unsynced_seconds or 0) > 0
    until("it has caught up", lambda: log.metrics().unsynced_bytes == 0)
    privacy.close()
    log.close()
