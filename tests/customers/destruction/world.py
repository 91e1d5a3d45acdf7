"""Rows that hold on to a person in every way there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

from sqlalchemy import Column, Engine, ForeignKey, ForeignKeyConstraint, Integer, String, Table, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from tests.support.databases import Database

__all__ = ["POLICY", "Base", "filled", "protected", "state"]


class Base(DeclarativeBase):
    """Registry of these models."""


class Shop(Base):
    """Nobody's."""

    __tablename__ = "shops"
    id: Mapped[int] = mapped_column(primary_key=True)


class Person(Base):
    """May be more than a person; may have been referred by one."""

    __tablename__ = "people"
    __data_subject__ = DataSubject("person", key="id")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "person"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    name: Mapped[str] = pii_column(category="name")
    email: Mapped[str] = pii_column(String(320), category="email", lookup="casefold", unique=True)
    handle: Mapped[str] = pii_column(String(40), category="name", encrypt=False, unique=True)
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class Vip(Person):
    """The rest of some people's rows."""

    __tablename__ = "vips"
    __mapper_args__ = {"polymorphic_identity": "vip"}

    id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    wish: Mapped[str] = pii_column(category="note")


class Order(Base):
    """A person's; may be a gift to another. Orders replace each other."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("person", via="person_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    total: Mapped[int] = pii_column(category="amount", encrypt=False)
    note: Mapped[str | None] = pii_column(category="note")
    placed_on: Mapped[date] = mapped_column(default=date(2026, 3, 1))
    status: Mapped[str] = mapped_column(String(20), default="delivered")


class Item(Base):
    """Part of an order."""

    __tablename__ = "items"
    __data_subject__ = DataSubject("person", via="order")

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    product: Mapped[str] = pii_column(category="items", encrypt=False)
    order: Mapped[Order] = relationship()


class Parcel(Base):
    """Nobody said whose: it hangs on an item, by a key of two columns."""

    __tablename__ = "parcels"
    __table_args__ = (ForeignKeyConstraint(["order_id", "line"], ["items.order_id", "items.line"]),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column()
    line: Mapped[int] = mapped_column()


class Visit(Base):
    """Nobody said whose, and can be without anybody."""

    __tablename__ = "visits"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))


class Message(Base):
    """One person's, that names another and must."""

    __tablename__ = "messages"
    __data_subject__ = DataSubject("person", via="sender_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    receiver_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    text: Mapped[str] = pii_column(category="note")


class Post(Base):
    """Others reply to it."""

    __tablename__ = "posts"
    __data_subject__ = DataSubject("person", via="author_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    text: Mapped[str] = pii_column(category="note")


class Reply(Base):
    """Cannot be without the post."""

    __tablename__ = "replies"
    __data_subject__ = DataSubject("person", via="author_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    text: Mapped[str] = pii_column(category="note")


class Soft(Base):
    """Led to by a relationship alone: the database knows no foreign key."""

    __tablename__ = "softs"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_ref: Mapped[int] = mapped_column()
    person: Mapped[Person] = relationship(
        primaryjoin="foreign(Soft.person_ref) == Person.id", backref="softs", overlaps="softs"
    )


tags = Table(  # between two tables, without a primary key
    "tags",
    Base.metadata,
    Column("person_id", Integer, ForeignKey("people.id"), nullable=False),
    Column("shop_id", Integer, ForeignKey("shops.id"), nullable=False),
    UniqueConstraint("person_id", "shop_id"),
)

POLICY: Final = Policy(
    policy={"id": "ending", "version": "1"},
    categories={name: {} for name in ("name", "email", "note", "amount", "items")},
    purposes={"everything": {"use": ["name", "email", "note", "amount", "items"]}},
    roles={"officer": {}, "engineer": {"maintenance": True}, "clerk": {"purposes": ["everything"]}},
    erasure={"roles": ["officer"]},
)
KEYS: Final = Keyring.generate()


def rows() -> list[Any]:
    """Ann (1) is a vip. Bo (2) was referred by her, got a gift and a message, and replied to one of her posts."""
    return [
        Shop(id=1),
        Vip(id=1, shop_id=1, name="Ann Arbor", email="ann@example.com", handle="ann", wish="a pony"),
        Person(id=2, shop_id=1, name="Bo Peep", email="bo@example.com", handle="bo", referrer_id=1),
        Order(id=1, person_id=1, total=10, note="ring twice"),
        Order(id=2, person_id=1, recipient_id=2, replaces_id=1, total=20),
        Order(id=3, person_id=2, recipient_id=1, total=30, note="for Ann"),
        Item(order_id=1, line=1, product="soap"),
        Item(order_id=2, line=1, product="rope"),
        Item(order_id=3, line=1, product="lamp"),
        Parcel(id=1, order_id=1, line=1),
        Parcel(id=2, order_id=3, line=1),
        Visit(id=1, person_id=1),
        Visit(id=2, person_id=2),
        Message(id=1, sender_id=1, receiver_id=2, text="hello Bo"),
        Message(id=2, sender_id=2, receiver_id=1, text="hello Ann"),
        Post(id=1, author_id=1, text="nobody replied"),
        Post(id=2, author_id=1, text="Bo replied"),
        Reply(id=1, author_id=2, post_id=2, text="so it is"),
        Reply(id=2, author_id=1, post_id=2, text="yes"),
        Soft(id=1, person_ref=1),
        Soft(id=2, person_ref=2),
    ]


def filled(database: Database) -> None:
    """Makes the tables and the rows in an empty database: once, then by copying."""
    database.fill("ending", _fill)


def _fill(database: Database) -> None:
    with protected(database.engine()) as made, maintenance(made), Session(next(iter(made._installed))) as session:
        Base.metadata.create_all(session.connection())
        made.metadata.create_all(session.connection())
        for row in rows():
            session.add(row)
            session.flush()
        if session.get_bind().dialect.name == "postgresql":  # it counts only the keys that it chose itself
            session.execute(text("SELECT setval('people_id_seq', 100)"))
        session.execute(tags.insert(), [{"person_id": 1, "shop_id": 1}, {"person_id": 2, "shop_id": 1}])
        session.commit()


@contextmanager
def protected(engine: Engine, policy: Policy = POLICY, **more: Any) -> Iterator[Privacy]:
    """A ``Privacy`` on the engine."""
    made = Privacy(policy, **({"keys": KEYS, "log": None, "metadata": Base} | more))
    made.install(engine)
    try:
        yield made
    finally:
        made.close()


def maintenance(privacy: Privacy) -> Any:
    """Somebody who may see everything."""
    return privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows")


def state(privacy: Privacy, engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with maintenance(privacy), engine.connect() as connection:
        return {
            str(table.name): sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
            for table in Base.metadata.sorted_tables
        }
