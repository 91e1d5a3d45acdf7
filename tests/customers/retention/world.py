"""A shop whose data has a time: people, what they ordered, what hangs on orders, and rows that are nobody's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import Engine, ForeignKey, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from sa_privacy.accesslog import EventLog
from tests.support.databases import Database

__all__ = ["KEYS", "NOW", "Base", "Item", "Order", "Person", "Visit", "filled", "made", "officer", "policy", "state"]

NOW: Final = datetime(2026, 11, 26, tzinfo=UTC)


class Base(DeclarativeBase):
    """Registry of these models."""


class Person(Base):
    """With columns of every kind: some show that they are empty, some do not."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("person", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    handle: Mapped[str] = pii_column(String(40), category="name", encrypt=False, unique=True)
    seen_on: Mapped[date | None] = mapped_column()


class Order(Base):
    """A person's, always."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("person", via="person_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    status: Mapped[str] = mapped_column(String(20), default="done")
    at: Mapped[datetime | None] = mapped_column()
    total: Mapped[int] = pii_column(category="amount", encrypt=False)
    address: Mapped[str] = pii_column(category="name")
    note: Mapped[str | None] = pii_column(category="note")


class Item(Base):
    """Part of an order."""

    __tablename__ = "items"
    __data_subject__ = DataSubject("person", via="order")

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str] = pii_column(category="items", encrypt=False)
    returned_on: Mapped[date | None] = mapped_column()
    order: Mapped[Order] = relationship()


class Visit(Base):
    """What somebody looked at; can be without them."""

    __tablename__ = "visits"
    __data_subject__ = DataSubject("person", via="person_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column()
    page: Mapped[str] = pii_column(category="items", encrypt=False)
    token: Mapped[str] = pii_column(String(40), category="note", encrypt=False, unique=True)


KEYS: Final = Keyring.generate()


def policy(retention: Mapping[str, Any], **more: Any) -> Policy:
    """The policy with these schedules."""
    return Policy(
        policy={"id": "time", "version": "1", "languages": ["en", "ja"]},
        categories={name: {} for name in ("name", "note", "amount", "items")},
        purposes={"everything": {"use": ["name", "note", "amount", "items"]}},
        roles={"officer": {}, "engineer": {"maintenance": True}, "clerk": {"purposes": ["everything"]}},
        systems={"nightly": {"purposes": ["everything"]}},
        erasure={"roles": ["officer"]},
        retention=retention,
        **more,
    )


def _at(day: str) -> datetime:
    return datetime.fromisoformat(day)


def rows() -> list[Any]:
    """Ann (1) has old orders and a new one, Bo (2) has not been seen for long, Cy (3) was never seen."""
    return [
        Person(id=1, name="Ann Arbor", handle="ann", seen_on=date(2026, 11, 1)),
        Person(id=2, name="Bo Peep", handle="bo", seen_on=date(2020, 1, 31)),
        Person(id=3, name="Cy Press", handle="cy"),
        *(
            Order(
                id=number,
                person_id=who,
                status=status,
                at=placed,
                total=number,
                address=f"street {number}",
                note=f"note {number}",
            )
            for number, who, status, placed in [
                (1, 1, "done", _at("2016-01-01")),
                (2, 1, "open", _at("2016-01-01")),
                (3, 1, "done", _at("2022-06-01")),
                (4, 1, "done", _at("2026-06-01")),
                (5, 2, "done", _at("2022-06-01")),
                (6, 3, "done", None),
                (7, 1, "done", _at("2016-02-29")),
            ]
        ),
        Item(order_id=1, line=1, product="soap"),
        Item(order_id=1, line=2, product="rope"),
        Item(order_id=3, line=1, product="lamp"),
        Item(order_id=7, line=1, product="book", returned_on=date(2026, 11, 20)),
        *(
            Visit(id=at, person_id=who, at=_at(f"2026-{month:02}-01"), page=f"page {at}", token=f"token {at}")
            for at, who, month in [(1, 1, 1), (2, 1, 11), (3, None, 1), (4, 2, 1)]
        ),
    ]


def filled(database: Database) -> None:
    """Makes the tables and the rows in an empty database."""
    database.fill("time", _fill)


def _fill(database: Database) -> None:
    engine = database.engine()
    with made(engine, policy({})) as privacy, engineer(privacy), Session(engine) as session:
        Base.metadata.create_all(session.connection())
        privacy.metadata.create_all(session.connection())
        for row in rows():
            session.add(row)
            session.flush()
        if engine.dialect.name == "postgresql":
            session.connection().exec_driver_sql("SELECT setval('people_id_seq', 100)")
        session.commit()


@contextmanager
def made(
    engine: Engine, said: Policy, *, log: EventLog | None = None, now: datetime = NOW, keys: Keyring = KEYS
) -> Iterator[Privacy]:
    """A ``Privacy`` on the engine, at this moment."""
    privacy = Privacy(said, keys=keys, log=log, metadata=Base)
    privacy._desk.clock = lambda: now
    privacy.install(engine)
    try:
        yield privacy
    finally:
        privacy.close()


def officer(privacy: Privacy) -> Any:
    """Who ends the life of data."""
    return privacy.access(actor="officer:1", role="officer", reason="the night")


def engineer(privacy: Privacy) -> Any:
    """Somebody who may see everything."""
    return privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows")


def state(privacy: Privacy, engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with engineer(privacy), engine.connect() as connection:
        return {
            str(table.name): sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }
