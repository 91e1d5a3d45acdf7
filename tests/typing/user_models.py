"""Models as a user writes them. `test_user_models.py` runs mypy --strict over this file; it is not executed."""

from __future__ import annotations

from datetime import date
from typing import assert_type, dataclass_transform

from sqlalchemy import JSON, Column, Date, ForeignKey, MetaData, String, Table, select
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column, relationship

from sa_privacy import DataSubject, Encrypted, Privacy, pii_column


class Base(DeclarativeBase):
    pass


class Person:
    """A mixin with a personal column."""

    name: Mapped[str] = pii_column(category="name")


class Customer(Person, Base):
    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = pii_column(String(320), category="email")
    phone: Mapped[str | None] = pii_column(category="phone", purposes=["shipping"])
    birthday: Mapped[date | None] = pii_column(Date, category="birthday", nullable=True)
    segment: Mapped[str] = pii_column(category="usage_history", encrypt=False, index=True)
    tier: Mapped[str] = mapped_column(default="basic")
    orders: Mapped[list[Order]] = relationship(back_populates="customer")


class Order(Base):
    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    address: Mapped[str] = pii_column("ship_to", String(200), category="address")
    customer: Mapped[Customer] = relationship(back_populates="orders")


class DataclassBase(MappedAsDataclass, DeclarativeBase):
    pass


@dataclass_transform(field_specifiers=(mapped_column, pii_column, relationship))
class PositionalBase(MappedAsDataclass, DeclarativeBase):
    """Says that pii_column declares fields as mapped_column does."""


class Visitor(PositionalBase):
    __tablename__ = "visitors"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    email: Mapped[str] = pii_column(String(320), category="email")
    subject: Mapped[str]
    phone: Mapped[str | None] = pii_column(category="phone", default=None, purposes=["shipping"])
    name: Mapped[str] = pii_column(category="name", init=False, insert_default="unknown")
    wishes: Mapped[list[str]] = pii_column(JSON, category="usage_history", default_factory=list)


class Inquiry(DataclassBase, kw_only=True):
    __tablename__ = "inquiries"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    email: Mapped[str] = pii_column(String(320), category="email")
    phone: Mapped[str | None] = pii_column(category="phone", default=None)
    subject: Mapped[str]


suppliers = Table(
    "suppliers",
    MetaData(),
    Column("email", Encrypted(String(320), category="email")),
    Column("since", Encrypted(Date, category="birthday", purposes=["shipping"], field="since")),
)


def values_keep_their_types(session: Session, customer: Customer, order: Order) -> None:
    assert_type(customer.name, str)
    assert_type(customer.email, str)
    assert_type(customer.phone, str | None)
    assert_type(customer.birthday, date | None)
    assert_type(order.customer.email, str)
    assert_type(session.scalars(select(Customer.email)).one(), str)
    assert_type(session.scalars(select(Order.address).where(Order.id == 1)).first(), str | None)
    assert_type(session.scalars(select(Customer).where(Customer.email.is_not(None))).all()[0].phone, str | None)


def values_of_another_type_are_refused(customer: Customer, inquiry: Inquiry) -> None:
    customer.email = None  # type: ignore[assignment]
    customer.birthday = "2000-01-01"  # type: ignore[assignment]
    inquiry.subject = customer.phone  # type: ignore[assignment]
    pii_column(String(20))  # type: ignore[call-arg]


def a_positional_dataclass_takes_its_columns_in_order(address: str) -> Visitor:
    Visitor(subject="size")  # type: ignore[call-arg]
    Visitor(address, "size", None, [], "name")  # type: ignore[call-arg]
    Visitor(address, 5)  # type: ignore[arg-type]
    return Visitor(address, "size", wishes=["blue"])


def other_peoples_columns_are_annotated(privacy: Privacy, table: Table) -> None:
    privacy.annotate(Customer.tier, category="usage_history", encrypt=False, purposes=["shipping"])
    privacy.annotate(table.c.email, category="email")
    privacy.annotate(Customer.__table__.c.tier, category="usage_history", encrypt=False)
    privacy.annotate("customers.tier", category="usage_history")  # type: ignore[arg-type]


def a_dataclass_takes_its_columns(address: str) -> Inquiry:
    Inquiry(email=1, subject="size")  # type: ignore[arg-type]
    return Inquiry(email=address, phone=None, subject="size")
