"""Models whose rows lead to a person in every way there is: for purposes that reach only one person's rows."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from sqlalchemy import Engine, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from tests.support.databases import Database

__all__ = [
    "KEYS",
    "POLICY",
    "Base",
    "Complaint",
    "Customer",
    "Gift",
    "Item",
    "Letter",
    "Order",
    "Rating",
    "Return",
    "fill",
    "filled",
]


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """A person, who may have been referred by another."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)
    tier: Mapped[str] = mapped_column(String(20), default="basic")
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    referrer: Mapped[Customer | None] = relationship(remote_side="Customer.id", back_populates="referred")
    referred: Mapped[list[Customer]] = relationship(back_populates="referrer")
    orders: Mapped[list[Order]] = relationship(back_populates="customer", order_by="Order.id")


class Order(Base):
    """Somebody's, or nobody's."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "order"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    amount: Mapped[int] = pii_column(category="amount", encrypt=False)
    status: Mapped[str] = mapped_column(String(20), default="open")
    customer: Mapped[Customer | None] = relationship(back_populates="orders")
    items: Mapped[list[Item]] = relationship(
        back_populates="order", order_by="Item.id", cascade="all, delete-orphan", passive_deletes=True
    )


class Gift(Order):
    """Joined: the parent's row knows whose it is."""

    __tablename__ = "gifts"
    __mapper_args__ = {"polymorphic_identity": "gift"}

    id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    note: Mapped[str | None] = pii_column(String(40), category="name", encrypt=False)


class Item(Base):
    """Two steps from its person."""

    __tablename__ = "items"
    __data_subject__ = DataSubject("customer", via="order")

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product: Mapped[str] = pii_column(String(40), category="items", encrypt=False)
    order: Mapped[Order] = relationship(back_populates="items")


class Return(Base):
    """Three steps from its person."""

    __tablename__ = "returns"
    __data_subject__ = DataSubject("customer", via="item_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))
    why: Mapped[str] = pii_column(String(40), category="items", encrypt=False)
    item: Mapped[Item] = relationship()


class Letter(Base):
    """One table for the class and its child."""

    __tablename__ = "letters"
    __data_subject__ = DataSubject("customer", via="customer_id")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "letter"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    text: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


class Complaint(Letter):
    """In the table of its parent."""

    __mapper_args__ = {"polymorphic_identity": "complaint"}


class Rating(Base):
    """Keyed by its person and something else."""

    __tablename__ = "ratings"
    __data_subject__ = DataSubject("customer", via="customer_id")

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    product: Mapped[str] = mapped_column(String(20), primary_key=True)
    comment: Mapped[str] = pii_column(String(40), category="items", encrypt=False)


USE = ["name", "amount", "items"]
POLICY = Policy(
    policy={"id": "own-rows", "version": "1"},
    categories={"name": {}, "amount": {}, "items": {}},
    purposes={
        "account": {"use": USE, "rows": "own", "delete": ["customers", "orders", "items", "letters", "ratings"]},
        "signature": {"use": ["items"], "rows": "own"},
        "desk": {"use": USE},
    },
    roles={
        "customer": {"purposes": ["account", "signature"]},
        "clerk": {"purposes": ["desk", "account"]},
        "engineer": {"maintenance": True},
    },
)


def rows() -> list[Base]:
    """Ann (1) has three orders, one a gift; Bo (2) has two, one a gift; an order is nobody's."""
    return [
        Customer(id=1, name="Ann"),
        Customer(id=2, name="Bo", referrer_id=1),
        Customer(id=3, name="Cy"),
        Order(id=1, customer_id=1, amount=10, items=[Item(id=1, product="soap"), Item(id=2, product="rope")]),
        Order(id=2, customer_id=1, amount=20, items=[Item(id=3, product="lamp")]),
        Gift(id=3, customer_id=1, amount=30, note="for Eve", items=[Item(id=4, product="ring")]),
        Order(id=4, customer_id=2, amount=40, items=[Item(id=5, product="drum")]),
        Gift(id=5, customer_id=2, amount=50, note="for Zoe", items=[Item(id=6, product="vase")]),
        Order(id=6, customer_id=None, amount=60, items=[Item(id=7, product="coat")]),
        Return(id=1, item_id=1, why="torn"),
        Return(id=2, item_id=5, why="loud"),
        Letter(id=1, customer_id=1, text="Dear shop"),
        Complaint(id=2, customer_id=1, text="Sirs"),
        Complaint(id=3, customer_id=2, text="Alas"),
        Rating(customer_id=1, product="soap", comment="good"),
        Rating(customer_id=2, product="soap", comment="bad"),
    ]


KEYS: Final = Keyring.generate()


def filled(database: Database) -> None:
    """Makes the tables and the rows in an empty database, sealed under ``KEYS``: once, then by copying."""
    database.fill("owned", _fill)


def _fill(database: Database) -> None:
    with closing(Privacy(POLICY, keys=KEYS, log=None, metadata=Base)) as privacy:
        owner = database.engine()
        privacy.install(owner)
        fill(privacy, owner)


def fill(privacy: Privacy, engine: Engine) -> None:
    """Makes the tables and the rows."""
    Base.metadata.create_all(engine)
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"), Session(engine) as session:
        for row in rows():
            session.add(row)
            session.flush()
        session.commit()
