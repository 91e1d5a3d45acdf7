"""An application with everything on, and the same without the library; both read and write one PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from sqlalchemy import ColumnElement, Engine, ForeignKey, Integer, Text, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from sa_privacy import AccessLog, DataSubject, Keyring, Policy, Privacy, pii_column

__all__ = ["PEOPLE", "SIDES", "prepare", "side"]

PEOPLE = 400
SIDES = ("plain", "protected")

POLICY = Policy(
    policy={"id": "bench-processes", "version": "1", "languages": ["en"], "controller": {"en": "Bench"}},
    categories={name: {"title": {"en": name}} for name in ("name", "address", "phone", "email", "amount")},
    wordings={"campaign_mail": {"version": "1", "text": {"en": "May we?"}}},
    purposes={
        "inquiries": {"title": {"en": "Inquiries"}, "use": ["name", "address", "phone", "email", "amount"]},
        "campaigns": {
            "title": {"en": "Campaigns"},
            "use": ["name", "email"],
            "consent": "opt_in",
            "wording": "campaign_mail",
        },
    },
    roles={
        "support": {"purposes": ["inquiries", "campaigns"], "granted": True},
        "officer": {"granted": True, "grants": ["support"]},
    },
)


class Base(DeclarativeBase):
    """The models, annotated."""


class Customer(Base):
    """A person: two columns under their own key, two under the ring's, one of which is searched."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = pii_column(category="name", key="subject")
    address: Mapped[str] = pii_column(category="address", key="subject")
    phone: Mapped[str] = pii_column(category="phone")
    email: Mapped[str] = pii_column(category="email", lookup="casefold", unique=True)


class Order(Base):
    """What somebody ordered."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    amount: Mapped[int] = pii_column(Integer, category="amount", encrypt=False)
    customer: Mapped[Customer] = relationship()


class PlainBase(DeclarativeBase):
    """The models as they are without the library; their tables have names of their own."""


class PlainCustomer(PlainBase):
    """The same person."""

    __tablename__ = "plain_customers"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text, unique=True)


class PlainOrder(PlainBase):
    """The same order."""

    __tablename__ = "plain_orders"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("plain_customers.id"), index=True)
    amount: Mapped[int] = mapped_column(Integer)


def person(number: int | str) -> dict[str, str]:
    """What is known of somebody."""
    return {
        "name": f"Somebody {number}",
        "address": f"{number}-2-3 Somewhere, Tokyo",
        "phone": f"090-{number}",
        "email": f"person{number}@example.com",
    }


def protect(engine: Engine, folder: Path, *, segment_bytes: int = 1 << 26) -> Privacy:
    """Everything on: gate, log, sealing, people's keys, consent, roles that are granted, asked for again every second."""
    privacy = Privacy(
        POLICY,
        keys=Keyring.load(folder / "keys.json"),
        log=AccessLog.open(folder / "log", segment_bytes=segment_bytes),
        metadata=Base,
        recheck=1.0,
    )
    privacy.install(engine)
    return privacy


def prepare(url: str, folder: Path, people: int = PEOPLE) -> None:
    """The tables, the keys, who may act, who there is, and what every second of them agreed to."""
    plain = create_engine(url)
    PlainBase.metadata.create_all(plain)
    with Session(plain) as session:
        for number in range(1, people + 1):
            session.add(PlainCustomer(**person(number)))
        session.flush()
        session.add_all(PlainOrder(customer_id=number, amount=number) for number in range(1, people + 1))
        session.commit()
    plain.dispose()
    Keyring.generate().save(folder / "keys.json")
    engine = create_engine(url)
    privacy = protect(engine, folder)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    with Session(engine) as session:
        with privacy.request(actor="system:setup", reason="setup"):
            privacy.staff.bootstrap(session, "staff:1", "officer", reason="setup")
        with privacy.request(actor="staff:1", role="officer", reason="setup"):
            privacy.staff.grant(session, "staff:2", "support", reason="setup")
        session.commit()
        with privacy.request(actor="staff:2", role="support", purpose="inquiries"):
            customers = [Customer(**person(number)) for number in range(1, people + 1)]
            session.add_all(customers)
            session.flush()
            session.add_all(Order(customer=one, amount=one.id) for one in customers)
            session.commit()
            for number in range(1, people + 1, 2):
                privacy.consents.give(session, number, "campaigns", how="web", language="en")
            session.commit()
    privacy.close()
    engine.dispose()


Operations = dict[str, Callable[[random.Random], int]]
"""By name; each returns how many rows it saw or wrote."""


def side(
    name: str, url: str, folder: Path, mark: str, *, people: int = PEOPLE, segment_bytes: int = 1 << 26
) -> Operations:
    """The operations of one process, on one side.

    :param mark: tells the people apart that this process enters.
    :param people: how many there were at first: these are read.
    :param segment_bytes: of the access log: small, and its files roll over all the time.
    """
    engine = create_engine(url, pool_size=1, max_overflow=0)
    made = iter(range(1 << 60))
    if name == "plain":
        return _operations(engine, PlainCustomer, PlainOrder, people, made, mark)
    privacy = protect(engine, folder, segment_bytes=segment_bytes)

    def under(purpose: str, run: Callable[[random.Random], int]) -> Callable[[random.Random], int]:
        def acting(chosen: random.Random) -> int:
            with privacy.request(actor="staff:2", role="support", purpose=purpose):
                return run(chosen)

        return acting

    return {
        what: under("campaigns" if what == "campaign" else "inquiries", run)
        for what, run in _operations(engine, Customer, Order, people, made, mark).items()
    }


def _operations(engine: Engine, customer: Any, order: Any, people: int, made: Iterator[int], mark: str) -> Operations:
    def some(chosen: random.Random) -> ColumnElement[bool]:
        first = chosen.randint(1, people - 19)
        return cast("ColumnElement[bool]", customer.id.between(first, first + 19))

    def read(chosen: random.Random) -> int:
        with Session(engine) as session:
            found: Any = session.get(customer, chosen.randint(1, people))
            return 1 if found.name and found.address and found.phone and found.email else 0

    def listed(chosen: random.Random) -> int:
        with Session(engine) as session:
            found = session.scalars(select(customer).where(some(chosen)))
            return sum(1 for one in found if one.name and one.address and one.phone and one.email)

    def campaign(chosen: random.Random) -> int:
        with Session(engine) as session:
            return len(session.scalars(select(customer.name).where(some(chosen))).all())

    def entered(chosen: random.Random) -> int:
        with Session(engine) as session:
            new = customer(**person(f"{mark}-{next(made)}-{chosen.randrange(1 << 40)}"))
            session.add(new)
            session.flush()
            session.add(order(customer_id=new.id, amount=3))
            session.commit()
        return 2

    return {"read": read, "list": listed, "campaign": campaign, "insert": entered}
