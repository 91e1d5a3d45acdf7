"""A shop in whose tables the database itself removes rows and cuts links, and every way to make something go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

from sqlalchemy import Engine, ForeignKey, String, create_engine, event, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from tests.support.databases import Database

__all__ = ["Base", "Customer", "Item", "Order", "Review", "filled", "officer", "plain", "protected", "state"]


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """May have been referred by another, and goes with them."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = pii_column(String(320), category="email", lookup="casefold", unique=True)
    city: Mapped[str] = pii_column(String(40), category="name", encrypt=False, default="Kyoto")
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    orders: Mapped[list[Order]] = relationship(cascade="all, delete-orphan", back_populates="customer")


class Order(Base):
    """Goes with the customer."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(String(10), unique=True)
    total: Mapped[int] = mapped_column(default=0)
    note: Mapped[str | None] = pii_column(category="note")
    customer: Mapped[Customer] = relationship(back_populates="orders")
    items: Mapped[list[Item]] = relationship(cascade="all, delete-orphan", back_populates="order")


class Item(Base):
    """Two steps from the customer, with a key of two columns."""

    __tablename__ = "items"
    __data_subject__ = DataSubject("customer", via="order")

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str] = pii_column(category="note", encrypt=False)
    order: Mapped[Order] = relationship(back_populates="items")


class Review(Base):
    """Stays, without its customer."""

    __tablename__ = "reviews"
    __data_subject__ = DataSubject("customer", via="customer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"))
    text: Mapped[str | None] = pii_column(category="note")


POLICY: Final = Policy(
    policy={"id": "holding", "version": "1"},
    categories={name: {} for name in ("name", "email", "note")},
    purposes={
        "everything": {"use": ["name", "email", "note"], "delete": ["customers", "orders", "items", "reviews"]},
    },
    roles={"officer": {}, "engineer": {"maintenance": True}, "clerk": {"purposes": ["everything"]}},
    erasure={"roles": ["officer"]},
)
KEYS: Final = Keyring.generate()


def filled(database: Database) -> None:
    """Makes the tables, the rows and the triggers in an empty database: once, then by copying."""
    database.fill("holding", _fill)


def _fill(database: Database) -> None:
    engine = database.engine()
    with protected(engine) as made:
        with maintenance(made), Session(engine) as session:
            _add_rows(made, session)
        with officer(made):
            made.holds.guard(engine)


def _add_rows(made: Privacy, session: Session) -> None:
    Base.metadata.create_all(session.connection())
    made.metadata.create_all(session.connection())
    for number in (1, 2):
        session.add(Customer(id=number, email=f"c{number}@example.com"))
        session.flush()
        orders = [Order(id=number * 10 + at, code=f"{number}-{at}", total=at * 50, note="x") for at in (1, 2)]
        for order in orders:
            order.customer_id = number
            order.items = [Item(line=1, product="soap")]
        session.add_all([*orders, Review(id=number, customer_id=number, text="good")])
        session.flush()
    session.commit()


@contextmanager
def protected(engine: Engine, log: Any = None, **options: Any) -> Iterator[Privacy]:
    """A ``Privacy`` on the engine, whose SQLite minds foreign keys."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _mind_foreign_keys)
    made = Privacy(POLICY, keys=KEYS, log=log, metadata=Base)
    made.install(engine, **options)
    try:
        yield made
    finally:
        made.close()


def _mind_foreign_keys(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def maintenance(privacy: Privacy) -> Any:
    """Somebody who may see everything."""
    return privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows")


def officer(privacy: Privacy) -> Any:
    """Somebody who places holds."""
    return privacy.access(actor="officer:1", role="officer", reason="a case")


def clerk(privacy: Privacy) -> Any:
    """Somebody who works with all of the data."""
    return privacy.access("everything", actor="clerk:1", role="clerk")


def plain(engine: Engine) -> Engine:
    """An engine on the same database that nobody protects."""
    made = create_engine(engine.url)
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _mind_foreign_keys)
    return made


def state(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as it is stored."""
    other = plain(engine)
    try:
        with other.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table.name}"))), key=repr)
                for table in Base.metadata.sorted_tables
            }
    finally:
        other.dispose()


def place(privacy: Privacy, engine: Engine, **what: Any) -> Any:
    """A hold, in force."""
    with officer(privacy), Session(engine) as session:
        hold = privacy.holds.place(session, case="2026-17", reason="a claim", review_by=date(2027, 1, 31), **what)
        session.commit()
    return hold


def release(privacy: Privacy, engine: Engine, hold: Any) -> None:
    """Ends it."""
    with officer(privacy), Session(engine) as session:
        privacy.holds.release(session, hold, reason="settled")
        session.commit()
