"""A table of customers whose columns hold plain values, and an application that is being moved to sealed ones."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Time,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from sa_privacy import AccessLog, DataSubject, Keyring, Policy, Privacy, pii_column

FAR = date(2999, 12, 31)
NAIVE = datetime.fromisoformat("2001-02-03T04:05:06.000789")
POLICY = Policy(
    policy={"id": "jobs", "version": "1"},
    categories={"name": {}, "email": {}, "other": {}},
    purposes={"all": {"use": ["name", "email", "other"], "delete": ["customers"]}},
    roles={"staff": {"purposes": ["all"]}, "engineer": {"maintenance": True}},
)


class Base(DeclarativeBase):
    """The release that seals."""


class Customer(Base):
    """As the new release declares it."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str | None] = pii_column(String(100), category="name")
    email: Mapped[str] = pii_column(String(320), category="email")
    tier: Mapped[str | None] = mapped_column(String(20))


class Stay(Base):
    """A composite key, one part of which is text."""

    __tablename__ = "stays"
    __data_subject__ = DataSubject("customer", key="guest")
    guest: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    room: Mapped[str] = mapped_column(String(20), primary_key=True)
    wish: Mapped[str | None] = pii_column(String(100), category="other")


class Mood(enum.Enum):
    """A native ENUM on PostgreSQL."""

    calm = "c"
    cross = "x"


#: A type, and values of it that are hard for one database or the other.
KINDS: dict[str, tuple[TypeEngine[Any], list[Any]]] = {
    "text": (String(100), ["plain", "", "été 花 \\ ' \" %s", " blanks "]),
    "whole": (Integer(), [0, -1, 2**31 - 1]),
    "number": (Float(), [0.1, -1e300, 1 / 3, float("inf")]),
    "exact": (Numeric(12, 2), [Decimal("0.10"), Decimal("-1234567.89")]),
    "flag": (Boolean(), [True, False]),
    "day": (Date(), [date(2001, 2, 3), date(1, 1, 1), date(9999, 12, 31)]),
    "moment": (DateTime(), [NAIVE, NAIVE.replace(year=1969)]),
    "clock": (Time(), [time(23, 59, 59, 999999), time()]),
    "span": (
        Interval(),
        [timedelta(days=1, seconds=5), timedelta(0), timedelta(days=40, microseconds=1), timedelta(-1, 1)],
    ),
    "ident": (Uuid(), [UUID("12345678-1234-5678-1234-567812345678")]),
    "mood": (Enum(Mood), [Mood.calm, Mood.cross]),
    "bag": (JSON(), [{"a": [1, 2.5, None, "é"]}, [], "text", 5]),
    "blob": (LargeBinary(), [b"", b"\x00\xff", b"\x01\x01short"]),
}


def plain_table(metadata: MetaData | None = None) -> Table:
    """``customers`` as the old release declares it."""
    return Table(
        "customers",
        metadata or MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("name", String(100)),
        Column("email", String(320), nullable=False),
        Column("tier", String(20)),
    )


def fill(engine: Engine, rows: int) -> None:
    """Makes the old release's table, with rows in it; every seventh has no name."""
    table = plain_table()
    table.metadata.create_all(engine)
    people = [
        {"id": n, "name": None if n % 7 == 0 else f"Person {n}", "email": f"p{n}@example.org", "tier": "basic"}
        for n in range(1, rows + 1)
    ]
    with engine.begin() as connection:
        connection.execute(table.insert(), people)


def raw(engine: Engine, columns: str = "id, name, email", table: str = "customers") -> list[tuple[Any, ...]]:
    """What the database really holds."""
    with engine.connect() as connection:
        return [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY 1"))
        ]


@contextmanager
def maintaining(
    keys: Keyring | None = None,
    *,
    log: AccessLog | None = None,
    accept: Mapping[str, date] | None = None,
    metadata: Any = Base,
    **options: Any,
) -> Iterator[Privacy]:
    """A Privacy under a maintenance access, closed when it ends."""
    privacy = Privacy(
        POLICY,
        keys=keys or Keyring.generate(),
        log=log,
        metadata=metadata,
        accept_plaintext=accept,
        **options,
    )
    try:
        with privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="sealing"):
            yield privacy
    finally:
        privacy.close()


def opened(privacy: Privacy, make_engine: Callable[..., Engine], statement: Any) -> list[tuple[Any, ...]]:
    """What an application of this Privacy reads."""
    engine = make_engine()
    privacy.install(engine)
    try:
        with engine.connect() as connection:
            return sorted((tuple(row) for row in connection.execute(statement)), key=lambda row: str(row[0]).zfill(9))
    finally:
        privacy.uninstall(engine)
