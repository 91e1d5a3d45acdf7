"""Whom an argument means: keys of every type, as the application holds them; errors quote none of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, String, Uuid, event, literal, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, PolicyError, Privacy, PrivacyError, UnknownPerson, pii_column
from sa_privacy.ledger import find_people, find_person
from sa_privacy.ledger.people import key_text
from tests.ledger.keys import Prefixed
from tests.support.databases import Database


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")
    __mapper_args__ = {"polymorphic_on": "tier", "polymorphic_identity": "basic"}
    id: Mapped[int] = mapped_column(primary_key=True)
    tier: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = pii_column(category="name")


class Patron(Customer):
    __tablename__ = "patrons"
    __mapper_args__ = {"polymorphic_identity": "patron"}
    id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)


class Order(Base):
    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer_id")
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    note: Mapped[str] = pii_column(category="name")


class Member(Base):
    __tablename__ = "members"
    __data_subject__ = DataSubject("member", key="uid")
    uid: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = pii_column(category="name")


class Guest(Base):
    __tablename__ = "guests"
    __data_subject__ = DataSubject("guest", key="login")
    login: Mapped[str] = pii_column(String(40), category="login", encrypt=False, primary_key=True)


class Payer(Base):
    __tablename__ = "payers"
    __data_subject__ = DataSubject("payer", key="id")
    id: Mapped[str] = mapped_column(Prefixed, primary_key=True)
    name: Mapped[str] = pii_column(category="name")


class Hidden(Base):
    __tablename__ = "hidden"
    __data_subject__ = DataSubject("hidden", key="email")
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = pii_column(category="name", lookup="exact")


POLICY = Policy(
    policy={"id": "people", "version": "1"},
    categories={"name": {}, "login": {}},
    purposes={"letters": {"use": ["name"]}, "fixtures": {"use": ["name", "login"]}},
    wordings={"pledge": {"version": "1", "text": "I will be good."}},
)
KEYS = Keyring.generate()
MEMBER = uuid.UUID("6f1c0b9e-3d8a-4c57-9a1e-0123456789ab")


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    database.fill("people", _fill)
    with closing(Privacy(POLICY, keys=KEYS, log=None, metadata=Base)) as made:
        made.install(engine)
        yield made


def _fill(database: Database) -> None:
    made, engine = Privacy(POLICY, keys=KEYS, log=None, metadata=Base), database.engine()
    made.install(engine)
    Base.metadata.create_all(engine)
    with made.access("fixtures"), Session(engine) as session:
        session.add_all([Customer(id=n, name="Ann") for n in range(1, 8)])
        session.add_all([Patron(id=8, name="Bo"), Member(uid=MEMBER, name="Cy"), Guest(login="7"), Guest(login="Dee")])
        session.add(Payer(id="cus_7", name="Ed"))
        session.flush()
        session.add(Order(id=99, customer_id=1, note="gift"))
        session.commit()
    made.close()


FOUND: list[tuple[Any, Any]] = [
    (("customer", 7), 7),
    (("customer", "7"), 7),
    (("customer", 8), 8),
    (("member", MEMBER), MEMBER),
    (("member", str(MEMBER)), MEMBER),
    (("member", MEMBER.hex.upper()), MEMBER),
    (("guest", "7"), "7"),
    (("guest", 7), "7"),
    (("guest", "Dee"), "Dee"),
    (("payer", "cus_7"), "cus_7"),
]


def test_a_person_is_found_by_the_key_as_the_application_holds_it(privacy: Privacy, engine: Engine) -> None:
    """Under a purpose that does not cover the key of guests: the desk asks, not the access."""
    with privacy.access("letters"), engine.connect() as connection, privacy._desk.open(connection):
        for said, key in FOUND:
            person = find_person(privacy._desk, connection, said)
            assert (person.kind, person.key) == (said[0], key)
            assert person.text not in repr(person)


def test_the_text_of_a_key_is_what_a_statement_makes_of_it(privacy: Privacy, engine: Engine) -> None:
    """So a ledger and the rows of people can be compared in SQL, whatever the type."""
    entities: list[Any] = [Customer, Member, Guest, Payer]
    for entity in entities:
        (key,) = entity.__table__.primary_key
        kind = entity.__data_subject__.kind
        with privacy.access("fixtures"), engine.connect() as connection:
            keys = connection.scalars(select(key)).all()
            with privacy._desk.open(connection):
                people = find_people(privacy._desk, connection, [(kind, one) for one in keys])
            assert [person.key for person in people] == keys
            for person in people:
                found = connection.scalars(select(key).where(key_text(key) == literal(person.text))).all()
                assert found == [person.key]


NOBODY: list[Any] = [
    ("customer", 9),
    ("customer", 99),  # an order's
    ("customer", "07"),
    ("customer", " 7"),
    ("customer", "7.0"),
    ("customer", "x"),
    ("customer", 7.5),
    ("customer", 2**40),
    ("customer", 10**30),
    ("customer", "9" * 5000),
    ("customer", "7\0"),
    ("member", "not-a-uuid"),
    ("member", 7),
    ("member", uuid.UUID(int=7)),
    ("guest", "dee"),
    ("guest", "7\0"),
    ("guest", "\ud800"),
    ("payer", "ann@example.com"),
    ("payer", 7),
]


def test_nobody_is_found_by_another_key_and_the_transaction_goes_on(privacy: Privacy, engine: Engine) -> None:
    with privacy.access("letters"), engine.connect() as connection, privacy._desk.open(connection):
        for said in NOBODY:
            with pytest.raises(UnknownPerson, match="SP-607") as caught:
                find_person(privacy._desk, connection, said)
            assert connection.scalar(select(literal(1))) == 1
            assert caught.value.__cause__ is None
            assert "ann@example.com" not in str(caught.value)


MEANINGLESS: list[tuple[Any, str]] = [
    (7, "several kinds"),
    (("saint", 7), "no kind of people"),
    (("customer", True), "name nobody"),
    ([("customer", 7)], "about one person"),
    (object(), "no key"),
    (("hidden", "ann@example.com"), "hidden.email is sealed"),
]


def test_what_cannot_be_meant_is_refused(privacy: Privacy, engine: Engine) -> None:
    with privacy.access("letters"), engine.connect() as connection, privacy._desk.open(connection):
        for said, told in MEANINGLESS:
            with pytest.raises(PolicyError, match=told) as caught:
                find_person(privacy._desk, connection, said)
            assert "ann@example.com" not in str(caught.value)


def test_many_are_found_in_few_questions_each_once_in_their_order(privacy: Privacy, engine: Engine) -> None:
    with privacy.access("fixtures"), Session(engine) as session:
        session.add_all([Customer(id=n, name="Ann") for n in range(1000, 1700)])
        session.commit()
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    given = [("customer", n) for n in range(1699, 999, -1)] + [("customer", "1000"), ("guest", "Dee")]
    with privacy.access("letters"), engine.connect() as connection, privacy._desk.open(connection):
        people = find_people(privacy._desk, connection, given)
        with pytest.raises(UnknownPerson, match="not all of these 2 people"):
            find_people(privacy._desk, connection, [("customer", 1), ("customer", 9)])
    assert [person.key for person in people] == [*range(1699, 999, -1), "Dee"]
    assert len([sql for sql in asked if "FROM customers" in sql]) == 3
    assert len([sql for sql in asked if "pg_advisory" not in sql]) <= 5


def test_nobody_asks_without_an_access(privacy: Privacy, engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(PrivacyError, match="no access is declared"):
        find_person(privacy._desk, connection, ("customer", 7))
