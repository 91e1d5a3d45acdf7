"""A shop that gives data away: the models, the policy and the rows that the tests of disclosure share."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Date, Engine, ForeignKey, Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import sa_privacy.customers.disclosure.tables  # noqa: F401 - its tables are the library's
from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from tests.support.databases import Database


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """A person."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), default="customer")
    name: Mapped[str] = pii_column(category="name")
    address: Mapped[str | None] = pii_column(category="address")
    phone: Mapped[str | None] = pii_column(category="phone")
    email: Mapped[str] = pii_column(String(320), category="email", lookup="casefold")
    secret: Mapped[str | None] = pii_column(category="phone", purposes=["campaigns"])  # a number for advertising only
    tier: Mapped[str] = mapped_column(String(20), default="basic")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "customer"}


class Member(Customer):
    """A person of whom a second table tells more."""

    __tablename__ = "members"

    id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    birthday: Mapped[datetime.date | None] = pii_column(Date, category="birthday")
    __mapper_args__ = {"polymorphic_identity": "member"}


class Order(Base):
    """Belongs to a customer."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    amount: Mapped[decimal.Decimal] = pii_column(Numeric(10, 2), category="amount")
    status: Mapped[str] = mapped_column(String(20), default="open")
    items: Mapped[list[Item]] = relationship(back_populates="order")


class Item(Base):
    """Belongs to whom its order belongs to."""

    __tablename__ = "items"
    __data_subject__ = DataSubject("customer", via="order")

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product: Mapped[str] = pii_column(category="order_items")
    order: Mapped[Order] = relationship(back_populates="items")


class Parcel(Base):
    """Three steps away."""

    __tablename__ = "parcels"
    __data_subject__ = DataSubject("customer", via="item_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))
    address: Mapped[str] = pii_column(category="address")


class Employee(Base):
    """A person of another kind, whose key is personal itself."""

    __tablename__ = "employees"
    __data_subject__ = DataSubject("employee", key="number")

    number: Mapped[str] = pii_column(String(20), category="staff_number", encrypt=False, primary_key=True)
    name: Mapped[str] = pii_column(category="name")


class Visit(Base):
    """Personal, and nobody said whose."""

    __tablename__ = "visits"

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str] = pii_column(String(40), category="usage_history", encrypt=False)


CATEGORIES = ("name", "address", "phone", "email", "birthday", "amount", "order_items", "usage_history", "staff_number")
SECTIONS: dict[str, Any] = {
    "policy": {"id": "giving", "version": "1", "languages": ["en", "ja"], "controller": {"en": "The Shop", "ja": "店"}},
    "categories": {
        **{name: {} for name in CATEGORIES},
        "name": {"title": {"en": "Name", "ja": "氏名"}, "dpv": "pd:Name"},
    },
    "purposes": {
        "shipping": {"use": ["name", "address", "phone"]},
        "campaigns": {"use": ["name", "email"]},
        "everything": {"use": list(CATEGORIES), "delete": ["customers", "orders", "items", "parcels"]},
        "account": {"use": ["name", "email"], "rows": "own"},
    },
    "roles": {
        "warehouse": {"purposes": ["shipping"], "disclose": ["delivery", "old_delivery", "printer"]},
        "marketing": {"purposes": ["campaigns"], "disclose": ["printer"]},
        "officer": {"purposes": ["everything", "campaigns"], "disclose": ["police", "advertiser", "cloud", "court"]},
        "clerk": {"purposes": ["everything", "shipping"]},
        "customer": {"purposes": ["account"]},
        "engineer": {"maintenance": True},
    },
    "wordings": {
        "partners": {"title": {"en": "P", "ja": "P"}, "version": "1", "text": {"en": "May we?", "ja": "いい？"}}
    },
    "recipients": {
        "delivery": {
            "kind": "processor",
            "title": {"en": "Fast Parcels", "ja": "速達"},
            "categories": ["name", "address", "phone", "email"],
            "purposes": ["shipping"],
            "contract": "C-17",
            "review_by": "2999-12-31",
            "address": "1 Depot Road",
            "representative": "P. Fast",
        },
        "old_delivery": {
            "kind": "processor",
            "categories": ["name", "address"],
            "purposes": ["shipping"],
            "contract": "C-16",
            "review_by": "2020-01-01",
        },
        "printer": {
            "kind": "processor",
            "categories": ["name", "address"],
            "purposes": ["campaigns"],
            "contract": "C-18",
            "review_by": "2999-12-31",
        },
        "advertiser": {
            "kind": "third_party",
            "title": {"en": "Adverts & Co", "ja": "広告"},
            "categories": ["name", "email", "phone", "amount", "order_items"],
            "address": "2 Hill Street",
            "representative": "A. Vert",
            "wording": "partners",
        },
        "cloud": {
            "kind": "third_party_abroad",
            "categories": ["name", "email"],
            "country": "US",
            "contract": "D-3",
            "wording": "partners",
        },
        "police": {"kind": "authority", "categories": list(CATEGORIES), "address": "9 Station Road"},
        "court": {"kind": "authority", "categories": ["name"]},
    },
    "grounds": {
        "inquiry": {
            "title": {"en": "Asked for by a public agency", "ja": "公的機関"},
            "clause": "4-1",
            "article": "27-1-4",
            "to": ["authority"],
            "requires": ["document_number", "issuing_body"],
        },
        "danger": {
            "clause": "4-3",
            "article": "27-1-2",
            "requires": ["why_no_consent", "approver", "until"],
        },
        "rights": {"clause": "4-4", "requires": ["why_no_consent", "approver", "until", "article"]},
    },
    "records": {},
}
POLICY = Policy(**SECTIONS)


def asking(consent: str) -> Policy:
    """The same, where campaigns take the consent of people, or their silence."""
    campaigns = {**SECTIONS["purposes"]["campaigns"], "consent": consent, "wording": "partners"}
    return Policy(**{**SECTIONS, "purposes": {**SECTIONS["purposes"], "campaigns": campaigns}})


KEYS = Keyring.generate()
ANN, BO, CY = 1, 2, 3


def people() -> list[Base]:
    """Ann has everything, Bo little, Cy nothing but a name and an e-mail address."""
    return [
        Member(
            id=ANN,
            name="Ann Arbor",
            address="1 High Street",
            phone="+81-90-1",
            email="ann@example.org",
            secret="+81-90-9",
            birthday=datetime.date(1990, 1, 2),
        ),
        Customer(id=BO, name="=1+1", address="2 Low Road", phone=None, email="bo@example.org"),
        Customer(id=CY, name="Cy Twombly", email="cy@example.org"),
        Order(id=10, customer_id=ANN, amount=decimal.Decimal("10.50"), items=[Item(id=100, product="Umbrella")]),
        Order(
            id=11,
            customer_id=ANN,
            amount=decimal.Decimal(20),
            items=[Item(id=101, product="Kettle"), Item(id=102, product="Lamp")],
        ),
        Order(id=12, customer_id=BO, amount=decimal.Decimal(-5), items=[Item(id=103, product="Rope")]),
        Employee(number="E-1", name="Em Ployee"),
        Visit(id=1, place="front page"),
    ]


def filled(database: Database) -> None:
    """Makes the tables, the library's own too, and the rows in an empty database: once, then by copying."""
    database.fill("giving", _fill)


def _fill(database: Database) -> None:
    privacy = Privacy(POLICY, keys=KEYS, log=None, metadata=Base)
    engine = database.engine()
    privacy.install(engine)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"), Session(engine) as session:
        session.add_all(people())
        session.flush()
        session.add(Parcel(id=1, item_id=101, address="1 High Street, back door"))
        session.commit()
    privacy.close()


@contextmanager
def shop(database: Database, policy: Policy = POLICY, **given: object) -> Iterator[tuple[Privacy, Engine]]:
    """A protected engine on a filled database."""
    filled(database)
    privacy = Privacy(policy, keys=KEYS, metadata=Base, **{"log": None, **given})  # type: ignore[arg-type]
    engine = database.engine()
    privacy.install(engine)
    try:
        yield privacy, engine
    finally:
        privacy.close()


def customers(*keys: int) -> list[tuple[str, int]]:
    """People as an application names them, where there are several kinds."""
    return [("customer", key) for key in keys]
