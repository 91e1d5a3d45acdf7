"""A shop that asks for consent: what the tests of consent share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column
from tests.support.databases import Database


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """A person."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)
    email: Mapped[str] = pii_column(category="email")


class Order(Base):
    """Somebody's, or nobody's."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer_id")
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    note: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


SAID: Final = {"en": "May we write to you?", "ja": "ご案内をお送りしてよろしいですか。"}


def policy(version: str = "1", text: Any = None) -> Policy:
    """The policy; with another version of the wording about campaigns, or another text."""
    return Policy(
        policy={
            "id": "consent-tests",
            "version": "1",
            "languages": ["en", "ja"],
            "controller": {"en": "Belue Creative", "ja": "ベルークリエイティブ"},
        },
        categories={"name": {"dpv": "pd:Name"}, "email": {"dpv": "pd:EmailAddress", "title": "E-mail"}},
        purposes={
            "campaigns": {
                "use": ["name", "email"],
                "consent": "opt_in",
                "wording": "campaigns",
                "dpv": "DirectMarketing",
                "title": {"en": "Campaigns", "ja": "キャンペーンのご案内"},
            },
            "improvement": {"use": ["name"], "consent": "opt_out", "dpv": "dpv:ImproveExistingProductsAndServices"},
            "surveys": {"use": ["name"], "consent": "opt_in"},
            "shipping": {"use": ["name"]},
            "account": {"use": ["name", "email"], "rows": "own"},
        },
        roles={
            "marketing": {"purposes": ["campaigns", "improvement", "surveys"]},
            "desk": {"purposes": ["shipping"]},
            "customer": {"purposes": ["account"]},
            "engineer": {"maintenance": True},
        },
        wordings={
            "campaigns": {"version": version, "text": text or SAID, "valid_for": "P1Y"},
            "sharing": {"version": "1", "text": {"en": "May we give it to them?", "ja": "提供してよろしいですか。"}},
        },
        recipients={
            "advertiser": {
                "kind": "third_party",
                "categories": ["email"],
                "wording": "sharing",
                "title": {"en": "Ads Ltd.", "ja": "広告株式会社"},
            },
            "surveys": {"kind": "third_party_abroad", "categories": ["name"], "country": "NZ"},
            "carrier": {
                "kind": "processor",
                "categories": ["name"],
                "purposes": ["shipping"],
                "contract": "C-1",
                "review_by": "2099-01-01",
            },
        },
    )


KEYS: Final = Keyring.generate()
START: Final = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PEOPLE: Final = {1: "Ann", 2: "Bo", 3: "Cy", 4: "Dee"}


class Clock:
    """Tells the time that a test says."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        """Lets time pass."""
        self.now += timedelta(**time)


def opened(engine: Engine, clock: Clock, of: Policy | None = None, keys: Keyring | None = KEYS) -> Privacy:
    """A Privacy on the engine, with that clock."""
    made = Privacy(of or policy(), keys=keys, log=None, metadata=Base)
    made._desk.clock = clock
    made.install(engine)
    return made


def filled(database: Database) -> None:
    """Makes the tables and the people in an empty database: once, then by copying."""
    database.fill("consent", fill)


def fill(database: Database) -> None:
    engine = database.engine()
    made = opened(engine, Clock())
    Base.metadata.create_all(engine)
    made.metadata.create_all(engine)
    with made.access(maintenance=True, role="engineer", actor="tests", reason="rows"), Session(engine) as session:
        session.add_all([Customer(id=n, name=name, email=f"{name}@example.com") for n, name in PEOPLE.items()])
        session.flush()
        session.add_all([Order(id=n, customer_id=n, note="gift") for n in PEOPLE])
        session.add(Order(id=9, customer_id=None, note="nobody's"))
        session.commit()
    made.close()


@contextmanager
def at_the_desk(privacy: Privacy, engine: Engine) -> Iterator[Session]:
    """A session of a member of staff."""
    with privacy.access("shipping", role="desk", actor="staff:17"), Session(engine) as session:
        yield session
