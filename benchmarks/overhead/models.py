"""A shop's customers and their orders, mapped as each side would map them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_privacy import DataSubject

__all__ = ["PEOPLE", "PERSONAL", "Models", "make_models", "person", "plain"]

PEOPLE = 100
PERSONAL = ("name", "address", "phone", "email")


class Models(NamedTuple):
    """The mapped classes of one side, and their base."""

    Base: Any
    Customer: Any
    Order: Any


def plain(key: str) -> Any:
    """The column as it is without anything; one looks people up by their e-mail."""
    return mapped_column(String(320), unique=True) if key == "email" else mapped_column(Text)


def make_models(column: Callable[[str], Any], *, people: bool = False) -> Models:
    """Classes of their own.

    :param column: makes a personal column.
    :param people: says to the library that a customer is a person.
    """

    class Base(DeclarativeBase):
        pass

    class Customer(Base):
        __tablename__ = "customers"
        if people:
            __data_subject__ = DataSubject("customer", key="id")
        id: Mapped[int] = mapped_column(Integer, primary_key=True)
        shop: Mapped[int] = mapped_column(default=1)
        name: Mapped[str] = column("name")
        address: Mapped[str] = column("address")
        phone: Mapped[str] = column("phone")
        email: Mapped[str] = column("email")

    class Order(Base):
        __tablename__ = "orders"
        if people:
            __data_subject__ = DataSubject("customer", via="customer_id")
        id: Mapped[int] = mapped_column(Integer, primary_key=True)
        customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
        item: Mapped[str] = mapped_column(Text)
        customer: Mapped[Any] = relationship(Customer)

    return Models(Base, Customer, Order)


def person(number: int) -> dict[str, str]:
    """A customer of ordinary length; the same number, the same customer."""
    return {
        "name": f"Customer Number {number}",
        "address": f"{number} Long Street, Some Town, Some Prefecture",
        "phone": f"090-0000-{number:04d}",
        "email": f"customer.{number}@example.com",
    }
