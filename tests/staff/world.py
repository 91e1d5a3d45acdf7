"""A small office: customers, three roles that are granted, a pledge, and a clock that the test sets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import Engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from tests.support.databases import Database

START = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
KEYS = Keyring.generate()
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
EVERYTHING = ["inquiries", "shipping", "audit"]


class Base(DeclarativeBase):
    """Registry of these tests' models."""


class Customer(Base):
    """A person."""

    __tablename__ = "staff_customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    email: Mapped[str] = pii_column(category="email")


def policy(**changed: Any) -> Policy:
    """The policy of the office.

    :param changed: sections to stand in for its own.
    """
    sections: dict[str, Any] = {
        "policy": {"id": "office", "version": "1", "languages": ["en", "ja"]},
        "categories": {"name": {}, "email": {}},
        "purposes": {
            "inquiries": {"use": ["name", "email"]},
            "shipping": {"use": ["name"]},
            "audit": {"read": ["name", "email"]},
            "signup": {"use": ["name", "email"]},
        },
        "roles": {
            "support": {
                "purposes": ["inquiries"],
                "granted": True,
                "break_glass": ["audit"],
                "break_glass_for": "PT30M",
            },
            "warehouse": {"purposes": ["shipping"], "pledge": "handling"},
            "auditor": {"purposes": ["audit"], "granted": True, "pledge": "handling"},
            "officer": {"granted": True, "grants": ["support", "auditor", "officer", "engineer"]},
            "engineer": {"maintenance": True, "granted": True},
            "clerk": {"purposes": ["signup", "shipping"]},
            "setup": {"maintenance": True},
        },
        "wordings": {
            "handling": {
                "version": "1",
                "text": {"en": "I shall handle data with care.", "ja": "データを適切に取り扱います。"},
                "valid_for": "P1Y",
            }
        },
    }
    return Policy(**sections | changed)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Some time goes by."""
        self.now += timedelta(**by)


def make_tables(database: Database) -> None:
    """What every office stands on."""
    with closing(Privacy(policy(), keys=KEYS, log=None, metadata=Base)) as privacy:
        engine = database.engine()
        Base.metadata.create_all(engine)
        privacy.metadata.create_all(engine)


class Office:
    """A protected engine with two customers, and an officer."""

    def __init__(self, engine: Engine, privacy: Privacy) -> None:
        self.engine = engine
        self.privacy = privacy
        self.clock = Clock()
        privacy._desk.clock = self.clock
        privacy.staff.hash_with(QUICK)

    def fill(self) -> None:
        """Makes the tables, and whoever is there at first."""
        Base.metadata.create_all(self.engine)
        self.privacy.metadata.create_all(self.engine)
        self.open()

    def open(self) -> None:
        """Enters two customers, and the first officer."""
        with self.privacy.access("signup", role="clerk", actor="tests"), Session(self.engine) as session:
            session.add_all(
                [Customer(name="Ann", email="ann@example.com"), Customer(name="Bo", email="bo@example.com")]
            )
            session.commit()
        with self.privacy.access(actor="operator", reason="set up"), Session(self.engine) as session:
            self.privacy.staff.bootstrap(session, "staff:1", "officer", reason="the first one")
            session.commit()

    def settle(self) -> None:
        """A minute goes by since the last change: from now on answers are kept."""
        standings = self.privacy._gate.standings
        assert standings is not None
        for change in standings._changed.values():
            change.until = 0.0

    def officer(self, actor: str = "staff:1") -> AbstractContextManager[Any]:
        """The access of an officer, which inherits nothing."""
        return self.privacy.request(actor=actor, role="officer", reason="tests")

    def grant(self, actor: str, role: str, **said: Any) -> None:
        """An officer grants a role, and commits."""
        with self.officer(), Session(self.engine) as session:
            self.privacy.staff.grant(session, actor, role, reason="needs it", **said)
            session.commit()

    def revoke(self, actor: str, role: str) -> None:
        """An officer revokes a role, and commits."""
        with self.officer(), Session(self.engine) as session:
            self.privacy.staff.revoke(session, actor, role, reason="moved on")
            session.commit()

    def sign(self, actor: str, language: str = "en") -> None:
        """Somebody signs the pledge, and commits."""
        with self.privacy.request(actor=actor), Session(self.engine) as session:
            self.privacy.staff.sign(session, actor, "handling", language=language)
            session.commit()

    def as_(self, actor: str | None, role: Any, purpose: Any = "inquiries") -> AbstractContextManager[Any]:
        """An access."""
        return self.privacy.access(purpose, actor=actor, role=role)

    def names(self, actor: str | None, role: Any = "support", purpose: Any = "inquiries") -> list[str]:
        """The customers' names, as somebody reads them."""
        with self.as_(actor, role, purpose), Session(self.engine) as session:
            return sorted(session.scalars(select(Customer.name)).all())


Setup = Callable[[Engine], Office]
