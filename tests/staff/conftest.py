"""An office, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sa_privacy import AccessLog, Privacy
from tests.staff import world
from tests.support.databases import Database


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    """An access log of this test's own."""
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def recheck() -> float:
    """For how long an answer is kept. Another may be said where a test needs it."""
    return 60.0


@pytest.fixture
def office(database: Database, engine: Engine, log: AccessLog, recheck: float) -> Iterator[world.Office]:
    """A protected engine, two customers, and an officer."""
    database.fill("staff", world.make_tables)
    privacy = Privacy(world.policy(), keys=world.KEYS, log=log, metadata=world.Base, recheck=recheck)
    privacy.install(engine)
    made = world.Office(engine, privacy)
    made.open()
    yield made
    privacy.close()
