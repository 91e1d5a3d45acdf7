"""A protected engine with three people in it, each with a key of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, Privacy
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from tests.subject_keys.world import POLICY, Base, Rows, clerk


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    """An access log of this test's own."""
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def ring() -> Keyring:
    """Keys of this test's own."""
    return Keyring.generate()


@pytest.fixture
def privacy(log: AccessLog, ring: Keyring) -> Iterator[Privacy]:
    """The policy, not installed anywhere yet."""
    made = Privacy(POLICY, keys=ring, log=log, metadata=Base.metadata)
    yield made
    made.close()


@pytest.fixture
def rows(make_engine: Callable[..., Engine], ring: Keyring) -> Rows:
    """The tables, and three people with two notes."""
    plain = make_engine()
    Base.metadata.create_all(plain)
    SUBJECT_KEYS.create(plain)
    made = Rows(plain, ring)
    made.person(1, "Anna", "Anna@Example.org", date(2000, 1, 31))
    made.person(2, "Bob", "bob@example.org")
    made.person(3, "Cara")
    made.note(1, 1, "first", "one", "kind")
    made.note(2, 2, "second", "two", "unkind")
    return made


@pytest.fixture
def office(engine: Engine, privacy: Privacy, rows: Rows) -> Engine:
    """The protected engine."""
    privacy.install(engine)
    return engine


@pytest.fixture
def session(office: Engine, privacy: Privacy) -> Iterator[Session]:
    """A session of a clerk on the protected engine."""
    with clerk(privacy), Session(office) as opened:
        yield opened
