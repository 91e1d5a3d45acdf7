"""A shop whose customers ask for things: rows that lead to a person in every way, and to other people too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Date, Engine, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from sa_privacy.accesslog import AccessLog
from tests.support.databases import Database

__all__ = [
    "KEYS",
    "POLICY",
    "Base",
    "Clock",
    "Customer",
    "Employee",
    "Item",
    "Order",
    "Profile",
    "customer",
    "filled",
    "officer",
    "protected",
]


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """A person, who may have been referred by another."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    email: Mapped[str] = pii_column(String(320), category="email", lookup="casefold")
    birthday: Mapped[date | None] = pii_column(Date, category="birthday", encrypt=False)
    joined_on: Mapped[date] = mapped_column(default=date(2026, 1, 5))
    password_hash: Mapped[str] = mapped_column(String(40), default="argon2-of-nobody")
    referrer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))


class Profile(Base):
    """One for each person."""

    __tablename__ = "profiles"
    __data_subject__ = DataSubject("customer", via="customer_id")

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    nickname: Mapped[str] = pii_column(category="name")


class Employee(Base):
    """A person of another kind."""

    __tablename__ = "employees"
    __data_subject__ = DataSubject("employee", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")


class Order(Base):
    """Somebody's; a gift leads to another customer."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    recipient_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    packed_by: Mapped[int | None] = mapped_column(ForeignKey("employees.id"))
    amount: Mapped[int] = pii_column(category="amount", encrypt=False)
    note: Mapped[str | None] = pii_column(category="note")
    status: Mapped[str] = mapped_column(String(20), default="open")
    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])


class Item(Base):
    """Two steps from its person; may stand for a line of another order."""

    __tablename__ = "items"
    __data_subject__ = DataSubject("customer", via="order")

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    instead_of: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    product: Mapped[str] = pii_column(category="items", encrypt=False)
    order: Mapped[Order] = relationship(foreign_keys=[order_id])


EVERYTHING: Final = ["name", "email", "birthday", "amount", "note", "items"]
POLICY: Final = Policy(
    policy={
        "id": "asking",
        "version": "1",
        "languages": ["en", "ja"],
        "controller": {"en": "Example Shop", "ja": "例商店"},
    },
    categories={
        "name": {"title": {"en": "Name", "ja": "氏名"}},
        "email": {"title": {"en": "E-mail address", "ja": "メールアドレス"}},
        "birthday": {"title": {"en": "Date of birth", "ja": "生年月日"}},
        "amount": {"title": {"en": "Amount charged", "ja": "請求金額"}},
        "note": {"title": {"en": "Note", "ja": "備考"}},
        "items": {"title": {"en": "Items ordered", "ja": "注文商品"}},
    },
    purposes={
        "shipping": {
            "title": {"en": "Shipping products", "ja": "商品の発送"},
            "clause": "1-1",
            "use": ["name", "amount", "items", "note"],
        },
        "account": {"use": EVERYTHING, "rows": "own", "title": {"en": "Your account", "ja": "お客様の会員ページ"}},
    },
    roles={
        "warehouse": {"purposes": ["shipping"], "disclose": ["carrier"]},
        "support": {"purposes": ["shipping", "account"]},
        "customer": {"purposes": ["account"]},
        "officer": {"title": "Privacy officer"},
        "engineer": {"maintenance": True},
    },
    recipients={
        "carrier": {
            "title": {"en": "Example Carrier", "ja": "例運輸"},
            "kind": "processor",
            "categories": ["name"],
            "purposes": ["shipping"],
            "contract": "C-1",
            "review_by": "2030-01-01",
        },
        "advertiser": {"title": {"en": "Ad Inc.", "ja": "広告社"}, "kind": "third_party", "categories": ["email"]},
    },
    requests={
        "answer_within": "P14D",
        "identity": ["signed_in", "identity_card"],
        "identity_valid_for": "P1D",
        "attempts": 3,
        "attempts_of_person": 6,
        "attempts_within": "P2D",
        "roles": ["officer"],
    },
)
KEYS: Final = Keyring.generate()


class Clock:
    """Tells the time that it was set to."""

    def __init__(self, now: datetime = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        """Time goes on, or back."""
        self.now += timedelta(**span)


def rows() -> list[Base]:
    """Ann (1) and Bo (2) share an address; order 2 is Ann's gift to Bo, order 3 was packed by Eve."""
    return [
        Employee(id=1, name="Eve Packer"),
        Customer(id=1, name="Ann Arbor", email="home@example.com", birthday=date(1990, 1, 2)),
        Customer(id=2, name="Bo Peep", email="home@example.com", referrer_id=1),
        Customer(id=3, name="Cy Twombly", email="cy@example.com"),
        Profile(customer_id=1, nickname="annie"),
        Profile(customer_id=2, nickname="bopeep"),
        Order(id=1, customer_id=1, recipient_id=1, amount=1001, note="ring twice"),
        Order(id=2, customer_id=1, recipient_id=2, amount=1002, note="for Bo, with love"),
        Order(id=3, customer_id=1, packed_by=1, amount=1003),
        Order(id=4, customer_id=2, amount=1004, note="leave at door"),
        Item(id=1, order_id=1, product="soap"),
        Item(id=2, order_id=1, instead_of=4, product="rope"),
        Item(id=3, order_id=1, instead_of=2, product="lamp"),
        Item(id=4, order_id=4, product="drum"),
    ]


def filled(database: Database) -> None:
    """Makes the tables and the rows in an empty database: once, then by copying."""
    database.fill("asking", _fill)


def _fill(database: Database) -> None:
    made = Privacy(POLICY, keys=KEYS, log=None, metadata=Base)
    owner = database.engine()
    made.install(owner)
    fill(made, owner, rows())
    made.close()


def fill(privacy: Privacy, engine: Engine, some: list[Any]) -> None:
    """Makes the tables and these rows."""
    with maintenance(privacy), Session(engine) as session:
        Base.metadata.create_all(session.connection())
        privacy.metadata.create_all(session.connection())
        for row in some:
            session.add(row)
            session.flush()
        session.commit()


@contextmanager
def protected(engine: Engine, log: AccessLog | None, policy: Policy = POLICY) -> Iterator[tuple[Privacy, Clock]]:
    """A ``Privacy`` on the engine, and its clock."""
    made = Privacy(policy, keys=KEYS, log=log, metadata=Base)
    clock = Clock()
    made._desk.clock = clock
    made.install(engine)
    yield made, clock
    made.close()


def officer(privacy: Privacy) -> AbstractContextManager[Any]:
    """Somebody who deals with requests."""
    return privacy.access(actor="staff:1", role="officer")


def customer(privacy: Privacy, key: object) -> AbstractContextManager[Any]:
    """A customer who is signed in."""
    return privacy.access("account", actor=f"customer:{key}", role="customer", subject=("customer", key))


def maintenance(privacy: Privacy) -> AbstractContextManager[Any]:
    """Somebody who may see everything."""
    return privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows")
