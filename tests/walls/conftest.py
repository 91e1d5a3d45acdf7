"""A shop behind walls: the tests' models, three customers, an engine that logs in as the application does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from sa_privacy import AccessLog, Privacy
from tests.gate import world
from tests.support.databases import Database
from tests.walls.owner import LOGIN, dropped, raised


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
def filled(database: Database, privacy: Privacy) -> Iterator[Engine]:
    """The owner's engine, which nobody guards, on a database with tables, rows and a wall."""
    world.filled(database)
    owner = database.engine()
    if database.backend == "postgresql":
        raised(owner, world.POLICY, privacy.catalogue, world.Base.metadata)
    yield owner
    if database.backend == "postgresql":
        dropped(owner)


@pytest.fixture
def application(database: Database, filled: Engine) -> Iterator[Callable[..., Engine]]:
    """Makes engines that log in as the application; takes the options of `create_engine`."""
    made: list[Engine] = []
    url = database.url.set(username=LOGIN) if database.backend == "postgresql" else database.url

    def make(**options: Any) -> Engine:
        made.append(create_engine(url, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def walled(application: Callable[..., Engine], privacy: Privacy) -> Engine:
    """The application's engine, protected, with its wall up."""
    engine = application()
    privacy.install(engine, walls=True)
    return engine
