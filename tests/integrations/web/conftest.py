"""A protected SQLite database with two customers in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from sa_privacy import AccessLog, Privacy
from tests.integrations.web import world


@pytest.fixture
def privacy(tmp_path: Path) -> Iterator[Privacy]:
    """The policy, with a log of this test's own."""
    made = Privacy(world.POLICY, keys=world.KEYS, log=AccessLog.open(tmp_path / "log"), metadata=world.Base)
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path, privacy: Privacy) -> Iterator[Engine]:
    """The engine."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    privacy.install(engine)
    world.fill(privacy, engine)
    yield engine
    engine.dispose()
