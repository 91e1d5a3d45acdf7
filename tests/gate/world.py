"""A small shop: the models, the policy and the rows that the tests of the gate share."""

from __future__ import annotations

import datetime
from functools import partial

from sqlalchemy import Date, Engine, ForeignKey, String, func, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    composite,
    mapped_column,
    relationship,
)

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from tests.support.databases import Database


class Base(DeclarativeBase):
    """Registry of the tests' models."""


class Place:
    """A composite over two personal columns."""

    def __init__(self, street: str | None, town: str | None) -> None:
        self.street = street
        self.town = town

    def __composite_values__(self) -> tuple[str | None, str | None]:
        return self.street, self.town

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self.__composite_values__() == other.__composite_values__()

    __hash__ = None  # type: ignore[assignment]


class Customer(Base):
    """A person."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    phone: Mapped[str | None] = pii_column(category="phone")
    email: Mapped[str] = pii_column(String(320), category="email")
    birthday: Mapped[datetime.date | None] = pii_column(Date, category="birthday")
    segment: Mapped[str | None] = pii_column(String(40), category="usage_history", encrypt=False)
    street: Mapped[str | None] = pii_column(String(80), category="address", encrypt=False)
    town: Mapped[str | None] = pii_column(String(80), category="address", encrypt=False)
    tier: Mapped[str] = mapped_column(String(20), default="basic")
    shout: Mapped[str] = column_property(func.upper(segment))
    place: Mapped[Place] = composite("street", "town")
    orders: Mapped[list[Order]] = relationship(back_populates="customer", order_by="Order.id")

    @hybrid_property
    def letterhead(self) -> str:
        """Reads two personal columns."""
        return f"{self.name}, {self.street}"


class Order(Base):
    """Belongs to a customer."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    amount: Mapped[int] = pii_column(category="amount", encrypt=False, type=None)
    status: Mapped[str] = mapped_column(String(20), default="open")
    customer: Mapped[Customer] = relationship(back_populates="orders")


class Product(Base):
    """Nothing personal."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(40))


POLICY = Policy(
    policy={"id": "gate-tests", "version": "1"},
    categories={
        "name": {"mask": "***"},
        "phone": {},
        "email": {},
        "birthday": {},
        "usage_history": {},
        "address": {},
        "amount": {},
    },
    purposes={
        "shipping": {"use": ["name", "address", "phone"]},
        "campaigns": {"use": ["name", "email", "usage_history"]},
        "billing": {"use": ["name", "amount"], "delete": ["orders"]},
        "segmenting": {"match": ["usage_history"]},
        "signup": {
            "read": ["name"],
            "write": ["name", "phone", "email", "birthday", "usage_history", "address", "amount"],
            "delete": ["customers", "orders"],
        },
        "account": {"use": ["name", "address", "phone", "email", "amount"], "rows": "own"},
        "everything": {
            "use": ["name", "phone", "email", "birthday", "usage_history", "address", "amount"],
            "delete": ["customers", "orders"],
        },
    },
    roles={
        "warehouse": {"purposes": ["shipping", "segmenting"]},
        "marketing": {"purposes": ["campaigns", "segmenting"]},
        "clerk": {"purposes": ["billing", "shipping", "everything", "campaigns", "signup"]},
        "customer": {"purposes": ["account"]},
        "engineer": {"maintenance": True},
    },
)


def customers() -> list[Customer]:
    """Three people, two with orders."""
    return [
        Customer(
            name="Ann Arbor",
            phone="090-1",
            email="ann@example.com",
            birthday=datetime.date(1990, 1, 2),
            segment="gold",
            street="1 High Street",
            town="Oakham",
            orders=[Order(amount=10), Order(amount=20)],
        ),
        Customer(
            name="Bo Peep",
            phone=None,
            email="bo@example.com",
            segment="tin",
            street="2 Low Road",
            orders=[Order(amount=30)],
        ),
        Customer(name="Cy Twombly", phone="090-3", email="cy@example.com", segment="gold"),
    ]


KEYS = Keyring.generate()


def filled(database: Database, *, more: int = 0) -> None:
    """Makes the tables and the rows in an empty database, sealed under ``KEYS``: once, then by copying.

    :param more: customers beside those three.
    """
    database.fill(f"gate_{more}", partial(_fill, more))


def _fill(more: int, database: Database) -> None:
    privacy = Privacy(POLICY, keys=KEYS, log=None, metadata=Base)
    owner = database.engine()
    privacy.install(owner)
    fill(privacy, owner)
    if more:
        with privacy.access("everything", role="clerk"), Session(owner) as session:
            session.add_all([Customer(name=f"n{i}", email=f"{i}@example.com") for i in range(more)])
            session.commit()
    privacy.close()


def fill(privacy: Privacy, engine: Engine) -> None:
    """Makes the tables and the rows."""
    Base.metadata.create_all(engine)
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"), Session(engine) as session:
        session.add_all([*customers(), Product(title="Umbrella")])
        session.commit()


EVERYONE = select(Customer).order_by(Customer.id)
