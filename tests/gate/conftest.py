"""A protected engine with a few rows in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy
from tests.gate import world
from tests.support.databases import Database


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    """An access log of this test's own."""
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def privacy(log: AccessLog) -> Iterator[Privacy]:
    """The shop's policy, not installed anywhere yet."""
    made = Privacy(world.POLICY, keys=world.KEYS, log=log, metadata=world.Base)
    yield made
    made.close()


@pytest.fixture
def shop(database: Database, engine: Engine, privacy: Privacy) -> Engine:
    """A protected engine, three customers in it."""
    world.filled(database)
    privacy.install(engine)
    return engine


@pytest.fixture
def session(shop: Engine) -> Iterator[Session]:
    """A session on the protected engine."""
    with Session(shop) as opened:
        yield opened
