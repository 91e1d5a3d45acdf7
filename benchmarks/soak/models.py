"""The shop of the soak: its tables and its policy. A ``tag`` says which row it is, and every personal value begins with it."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_privacy import DataSubject, Erased, Policy, pii_column

__all__ = ["PERSONAL", "POLICY", "SEALED", "Base", "Customer", "Order", "Visit"]


class Base(DeclarativeBase):
    """Registry of these models."""


class Customer(Base):
    """A person."""

    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), unique=True)
    joined_on: Mapped[date]
    name: Mapped[str | Erased] = pii_column(category="name", key="subject")
    email: Mapped[str] = pii_column(String(320), category="email", lookup="casefold", unique=True)
    phone: Mapped[str | None] = pii_column(category="phone")
    orders: Mapped[list[Order]] = relationship(back_populates="customer")


class Order(Base):
    """A customer's; its time is over three years after the day."""

    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    ordered_on: Mapped[date]
    address: Mapped[str] = pii_column(category="address")
    note: Mapped[str | Erased | None] = pii_column(category="note", key="subject")
    amount: Mapped[int] = pii_column(Integer, category="amount", encrypt=False)
    customer: Mapped[Customer] = relationship(back_populates="orders")


class Visit(Base):
    """What a customer looked at; its time is over after a year."""

    __tablename__ = "visits"
    __data_subject__ = DataSubject("customer", via="customer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    seen_on: Mapped[date]
    page: Mapped[str] = pii_column(category="usage", encrypt=False)


SEALED: Final = ("customers.email", "customers.phone", "orders.address", "customers.name", "orders.note")
PERSONAL: Final = {
    "customers": ("name", "email", "phone"),
    "orders": ("address", "note", "amount"),
    "visits": ("page",),
}
"""By table, the columns that the policy looks after."""

_EVERYTHING: Final = ["name", "email", "phone", "address", "note", "amount", "usage"]

POLICY: Final = Policy(
    policy={"id": "soak", "version": "1", "languages": ["en"], "controller": {"en": "Example Shop"}},
    categories={name: {"title": {"en": name.title()}} for name in _EVERYTHING},
    wordings={"news": {"version": "1", "text": {"en": "May we tell you the news?"}}},
    purposes={
        "registration": {"write": ["name", "email", "phone", "address", "note", "amount"]},
        "orders": {"use": ["name", "email", "phone", "address", "note", "amount", "usage"], "delete": ["orders"]},
        "shipping": {"use": ["name", "address"]},
        "sign_in": {"match": ["email"], "read": ["name"]},
        "campaigns": {"use": ["name", "email"], "consent": "opt_in", "wording": "news"},
        "account": {"use": _EVERYTHING, "rows": "own"},
    },
    roles={
        "desk": {"purposes": ["registration", "orders", "sign_in"]},
        "warehouse": {"purposes": ["shipping"]},
        "marketing": {"purposes": ["campaigns"]},
        "customer": {"purposes": ["account"]},
        "officer": {},
        "engineer": {"maintenance": True},
    },
    requests={"answer_within": "P14D", "identity": ["signed_in"], "roles": ["officer"]},
    erasure={"roles": ["officer"]},
    retention={
        "orders": {
            "title": {"en": "Orders"},
            "table": "orders",
            "clock": "ordered_on",
            "period": "P3Y",
            "action": "delete",
        },
        "visits": {
            "title": {"en": "Visits"},
            "table": "visits",
            "clock": "seen_on",
            "period": "P1Y",
            "action": "delete",
        },
    },
)
