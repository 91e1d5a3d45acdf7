"""A sealed value of every type comes back equal and of the same type, whichever way it went in and out."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Engine,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Time,
    Uuid,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import pii_column
from tests.columns.support import is_cell, make_privacy, protected, stored


class Colour(enum.Enum):
    RED = "r"


class Base(DeclarativeBase):
    """Registry of this module."""


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None] = pii_column(category="name")
    empty: Mapped[str | None] = pii_column(String(5), category="name")
    data: Mapped[bytes | None] = pii_column(LargeBinary, category="name")
    number: Mapped[int | None] = pii_column(Integer, category="name")
    ratio: Mapped[float | None] = pii_column(Float, category="name")
    amount: Mapped[Decimal | None] = pii_column(Numeric(20, 4), category="name")
    flag: Mapped[bool | None] = pii_column(Boolean, category="name")
    day: Mapped[date | None] = pii_column(Date, category="name")
    hour: Mapped[time | None] = pii_column(Time, category="name")
    moment: Mapped[datetime | None] = pii_column(DateTime(timezone=True), category="name")
    offset: Mapped[datetime | None] = pii_column(DateTime(timezone=True), category="name")
    local: Mapped[datetime | None] = pii_column(DateTime, category="name")
    key: Mapped[UUID | None] = pii_column(Uuid, category="name")
    colour: Mapped[Colour | None] = pii_column(Enum(Colour), category="name")
    notes: Mapped[Any] = pii_column(JSON, category="name", nullable=True)


VALUES: dict[str, Any] = {
    "text": "青木 花子 \U0001d518",
    "empty": "",
    "data": b"\x00\xff",
    "number": -(2**70),
    "ratio": 0.1 + 0.2,
    "amount": Decimal("-12.3400"),
    "flag": False,
    "day": date(2000, 2, 29),
    "hour": time(23, 59, 59, 999999),
    "moment": datetime(2026, 11, 23, 9, 0, 0, 1, tzinfo=ZoneInfo("Asia/Tokyo")),
    "offset": datetime(2026, 11, 23, 9, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    "local": datetime(2026, 11, 23, 9),  # noqa: DTZ001 - without a zone on purpose
    "key": UUID("12345678-1234-5678-1234-567812345678"),
    "colour": Colour.RED,
    "notes": {"a": [1, 2.5, None, True, "ü", {}], "b": ""},
}
OTHER: dict[str, Any] = {**VALUES, "text": "", "flag": True, "number": 0, "notes": [], "moment": datetime.now(UTC)}
NOTHING: dict[str, Any] = dict.fromkeys(VALUES)
T: Any = Thing.__table__
COLUMNS = [T.c[name] for name in VALUES]


def orm(session: Session, rows: list[dict[str, Any]]) -> None:
    session.add_all([Thing(**row) for row in rows])
    session.flush()


def changed(session: Session, rows: list[dict[str, Any]]) -> None:
    made = [Thing() for _ in rows]
    session.add_all(made)
    session.flush()
    for thing, row in zip(made, rows, strict=True):
        for name, value in row.items():
            setattr(thing, name, value)
    session.flush()


def updated(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(insert(Thing), [{"number": 1} for _ in rows])
    ids = session.scalars(select(Thing.id).order_by(Thing.id)).all()
    session.execute(update(Thing), [{"id": id_, **row} for id_, row in zip(ids, rows, strict=True)])


def core_updated(session: Session, rows: list[dict[str, Any]]) -> None:
    for id_, row in enumerate(rows, 1):
        session.execute(insert(T).values(id=id_))
        got = session.execute(update(T).where(T.c.id == id_).values(**row).returning(*COLUMNS)).one()
        alike(got._mapping, row)


def returned(session: Session, rows: list[dict[str, Any]]) -> None:
    got = session.execute(insert(T).returning(*COLUMNS, sort_by_parameter_order=True), rows).all()
    for one, row in zip(got, rows, strict=True):
        alike(one._mapping, row)


def orm_returned(session: Session, rows: list[dict[str, Any]]) -> None:
    got = session.scalars(insert(Thing).returning(Thing, sort_by_parameter_order=True), rows).all()
    for one, row in zip(got, rows, strict=True):
        alike({name: getattr(one, name) for name in row}, row)


IN: dict[str, Callable[[Session, list[dict[str, Any]]], object]] = {
    "the ORM": orm,
    "the ORM, later": changed,
    "bulk INSERT": lambda session, rows: session.execute(insert(Thing), rows),
    "bulk save": lambda session, rows: session.bulk_insert_mappings(Thing.__mapper__, rows),
    "bulk UPDATE": updated,
    "Core": lambda session, rows: session.execute(insert(T), rows),
    "Core, rows of values": lambda session, rows: session.execute(insert(T).values(rows)),
    "Core UPDATE RETURNING": core_updated,
    "Core INSERT RETURNING": returned,
    "ORM INSERT RETURNING": orm_returned,
}


def alike(found: Any, given: dict[str, Any]) -> None:
    for name, value in given.items():
        assert found[name] == value, name
        assert type(found[name]) is type(value), name
        assert repr(found[name]) == repr(value), name


@pytest.mark.parametrize("way", IN)
def test_every_type_comes_back(way: str, engine: Engine, make_engine: Callable[..., Engine]) -> None:
    rows = [VALUES, OTHER, NOTHING]
    with protected(engine, Base), Session(engine) as session:
        IN[way](session, rows)
        session.commit()
        session.expunge_all()
        things = session.scalars(select(Thing).order_by(Thing.id)).all()
        names = session.execute(select(*[getattr(Thing, name) for name in VALUES]).order_by(Thing.id)).all()
        core = session.execute(select(T).order_by(T.c.id)).all()
        for at, row in enumerate(rows):
            alike({name: getattr(things[at], name) for name in row}, row)
            alike(names[at]._mapping, row)
            alike(core[at]._mapping, row)
    for name in VALUES:
        cells = stored(make_engine(), "things", f'"{name}"')
        assert sum(cell is None for cell in cells) == 1, name
        assert all(cell is None or is_cell(cell) for cell in cells), name


async def test_every_type_comes_back_on_async_engines(async_engine: AsyncEngine) -> None:
    privacy = make_privacy(Base)
    privacy.install(async_engine)
    try:
        async with async_engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        with privacy.access("all", role="staff", actor="x"):
            async with AsyncSession(async_engine) as session:
                session.add(Thing(**VALUES))
                got = (await session.execute(insert(T).returning(*COLUMNS), [OTHER, NOTHING])).all()
                assert len(got) == 2
                await session.commit()
                session.expunge_all()
                things = (await session.scalars(select(Thing))).all()
                told = {thing.flag: thing for thing in things}
                for row in (VALUES, OTHER, NOTHING):
                    alike({name: getattr(told[row["flag"]], name) for name in row}, row)
    finally:
        privacy.close()
