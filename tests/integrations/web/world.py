"""What the applications of these tests keep: customers, of whom a warehouse may know the address and marketing the birthday."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Date, Engine, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, Privacy, pii_column

__all__ = ["BIRTHDAY", "KEYS", "POLICY", "ROLES", "Base", "Customer", "fill", "sign_in"]

KEYS = Keyring.generate()
BIRTHDAY = date(2001, 2, 3)

POLICY = Policy(
    policy={"id": "web", "version": "1"},
    categories={"name": {"mask": "***"}, "address": {"mask": "***"}, "birthday": {"mask": None}},
    purposes={
        "shipping": {"use": ["name", "address"]},
        "campaigns": {"read": ["name", "birthday"]},
        "sign_in": {"match": ["name"]},
    },
    roles={
        "warehouse": {"purposes": ["shipping"]},
        "marketing": {"purposes": ["campaigns"]},
        "visitor": {"purposes": ["sign_in"], "anonymous": True},
        "engineer": {"maintenance": True},
    },
    systems={"greet": {"purposes": ["campaigns"]}},
)
#: The role of each member of staff.
ROLES = {"17": "warehouse", "34": "marketing", "1": "engineer"}


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """A person."""

    __tablename__ = "web_customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name", lookup="exact")
    address: Mapped[str] = pii_column(category="address")
    birthday: Mapped[date | None] = pii_column(Date, category="birthday", encrypt=False)
    tier: Mapped[str] = mapped_column(String(20), default="basic")


def fill(privacy: Privacy, engine: Engine) -> None:
    """Two customers."""
    Base.metadata.create_all(engine)
    with privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="test"), Session(engine) as session:
        session.add_all(Customer(id=n, name=f"Name {n}", address=f"{n} Street", birthday=BIRTHDAY) for n in (1, 2))
        session.commit()


def sign_in(privacy: Privacy, headers: Any) -> None:
    """What an application's authentication does, here believing a header."""
    staff = headers.get("x-staff")
    if staff is not None:
        privacy.current().bind(actor=f"staff:{staff}", role=ROLES[staff])
