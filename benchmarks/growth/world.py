"""The same two tables twice: as SQLAlchemy alone sees them, and protected."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Integer, String, Text, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.timing import memory_engine
from sa_privacy import AccessLog, DataSubject, Keyring, Policy, Privacy, pii_column

__all__ = [
    "POLICY",
    "Base",
    "Customer",
    "PlainBase",
    "PlainCustomer",
    "PlainVisit",
    "Visit",
    "World",
    "people",
    "right",
]

MOMENT = datetime(2026, 1, 1)  # noqa: DTZ001 - as databases keep it


class PlainBase(DeclarativeBase):
    """The models as they are without the library."""


class PlainCustomer(PlainBase):
    """A person. The table has a name of its own: one that is named like a protected one would be guarded too."""

    __tablename__ = "plain_customers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    seen_at: Mapped[datetime] = mapped_column()


class PlainVisit(PlainBase):
    """What somebody looked at."""

    __tablename__ = "plain_visits"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    page: Mapped[str] = mapped_column(Text)


class Base(DeclarativeBase):
    """The same models, annotated."""


class Customer(Base):
    """A person: all of it sealed, the e-mail address found too."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    address: Mapped[str] = pii_column(category="address")
    email: Mapped[str] = pii_column(String(320), category="email", lookup="casefold", unique=True)
    seen_at: Mapped[datetime] = mapped_column()


class Visit(Base):
    """Guarded and logged, and not sealed, so that the gate is measured without the cipher."""

    __tablename__ = "visits"
    __data_subject__ = DataSubject("visitor", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    page: Mapped[str] = pii_column(Text, category="usage_history", encrypt=False)


POLICY = Policy(
    policy={"id": "growth", "version": "1"},
    categories={name: {} for name in ("name", "address", "email", "usage_history")},
    purposes={
        "work": {"use": ["name", "address", "email", "usage_history"]},
        "calling": {"use": ["name", "email"]},
        "shipping": {"use": ["address", "email"]},
    },
    roles={
        "staff": {"purposes": ["work", "calling", "shipping"]},
        "officer": {},
        "engineer": {"maintenance": True},
    },
    retention={"customers": {"table": "customers", "clock": "seen_at", "period": "P100Y", "action": "delete"}},
    erasure={"roles": ["officer"]},
)


@dataclass
class World:
    """A plain engine and a protected one, with the same rows."""

    plain: Engine
    ours: Engine
    privacy: Privacy
    log: Path


def right(found: object, expected: object) -> None:
    """A time counts for nothing where the answer was wrong.

    :raises RuntimeError: it was.
    """
    if found != expected:
        raise RuntimeError("wrong answer: the figures of this run are worth nothing.")


def people(first: int, count: int) -> list[dict[str, Any]]:
    """Customers of ordinary length."""
    return [
        {
            "id": n,
            "name": f"Customer Number {n}",
            "address": f"{n} Long Street, Some Town, Some Prefecture",
            "email": f"customer.{n}@example.com",
            "seen_at": MOMENT,
        }
        for n in range(first, first + count)
    ]


@contextmanager
def world(
    rows: int = 100,
    *,
    policy: Policy = POLICY,
    plain: Engine | None = None,
    ours: Engine | None = None,
    logged: bool = True,
) -> Iterator[World]:
    """Both, with so many customers and one visit.

    :param plain: in place of an in-memory database.
    :param ours: the same.
    """
    engine, protected = plain or memory_engine(), ours or memory_engine()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        log = AccessLog.open(path, fsync="never") if logged else None
        privacy = Privacy(policy, keys=Keyring.generate(), log=log, metadata=Base)
        PlainBase.metadata.create_all(engine)
        Base.metadata.create_all(protected)
        if policy.keeps_ledgers:
            privacy.metadata.create_all(protected)
        privacy.install(protected)
        try:
            fill(engine, PlainCustomer, PlainVisit, rows)
            with privacy.access(maintenance=True, actor="growth", role="engineer", reason="growth"):
                fill(protected, Customer, Visit, rows)
            yield World(engine, protected, privacy, path)
        finally:
            privacy.close()
            engine.dispose()
            protected.dispose()


def fill(engine: Engine, customer: type[Any], visit: type[Any], rows: int) -> None:
    """The customers and the visit."""
    with Session(engine) as session:
        for first in range(1, rows + 1, 1000):
            session.execute(insert(customer), people(first, min(1000, rows + 1 - first)))
        session.execute(insert(visit), [{"id": 1, "page": "/"}])
        session.commit()
