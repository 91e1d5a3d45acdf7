"""A protected engine with a few people in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Privacy
from tests.lookup.world import CORE, POLICY, Base, Letter, Person


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    """An access log of this test's own."""
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def keys() -> Keyring:
    """Keys of this test's own."""
    return Keyring.generate()


@pytest.fixture
def privacy(log: AccessLog, keys: Keyring) -> Iterator[Privacy]:
    """The policy, not installed anywhere yet."""
    made = Privacy(POLICY, keys=keys, log=log, metadata=[Base.metadata, CORE])
    yield made
    made.close()


@pytest.fixture
def office(engine: Engine, privacy: Privacy) -> Engine:
    """A protected engine, three people in it."""
    Base.metadata.create_all(engine)
    CORE.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="setup"), Session(engine) as session:
        session.add(Person(id=1, name="Anna", email="Anna@Example.org", phone="090-1234", born=date(2000, 1, 31)))
        session.add(Person(id=2, name="Bob", email="bob@example.org", phone="03 5678"))
        session.add(Person(id=3, name="Nobody"))
        session.flush()
        session.add(Letter(id=1, person_id=1, email="ANNA@example.ORG"))
        session.add(Letter(id=2, email="someone@example.org"))
        session.commit()
    return engine


@pytest.fixture
def session(office: Engine, privacy: Privacy) -> Iterator[Session]:
    """A session of a clerk on the protected engine."""
    with privacy.access("service", role="clerk", actor="staff:1"), Session(office) as opened:
        yield opened
