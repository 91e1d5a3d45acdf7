"""What the shop stores: customers, and what belongs to them.

Plain SQLAlchemy models but for two things. ``pii_column`` stands where ``mapped_column`` would, and says which category
of the policy (``privacy.toml``) a column holds. ``__data_subject__`` says whose a row is.

A personal column is sealed in the database unless it says ``encrypt=False``. The shop counts and averages three of
them, so these stay readable there; they are guarded and logged all the same.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, DateTime, ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sa_privacy import DataSubject, pii_column

__all__ = ["Base", "Customer", "CustomerPassword", "Inquiry", "Order", "OrderItem", "Questionnaire", "UsageEvent"]


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    __data_subject__ = DataSubject("customer", key="id")  # this row is a person

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name")
    name_kana: Mapped[str | None] = pii_column(category="name")  # how a Japanese name is read
    address: Mapped[str] = pii_column(category="address")
    phone: Mapped[str | None] = pii_column(category="phone")
    email: Mapped[str] = pii_column(
        String(320), category="email", lookup="casefold", unique=True
    )  # found when signing in
    birthday: Mapped[date | None] = pii_column(Date, category="birthday")
    language: Mapped[str] = mapped_column(String(2))  # not personal: which of the shop's two sites
    joined_on: Mapped[date]

    password: Mapped[CustomerPassword | None] = relationship(back_populates="customer")
    orders: Mapped[list[Order]] = relationship(back_populates="customer")
    usage: Mapped[list[UsageEvent]] = relationship(back_populates="customer")
    questionnaires: Mapped[list[Questionnaire]] = relationship(back_populates="customer")
    inquiries: Mapped[list[Inquiry]] = relationship(back_populates="customer")


class CustomerPassword(Base):
    """How a customer signs in on the web; who orders by letter has none."""

    __tablename__ = "customer_passwords"
    __data_subject__ = DataSubject("customer", via="customer")  # belongs to the person behind this relationship

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    hash: Mapped[str] = pii_column(category="login_secret")  # of Argon2id
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    closed_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # after too many of them

    customer: Mapped[Customer] = relationship(back_populates="password")


class Order(Base):
    __tablename__ = "orders"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    status: Mapped[str] = mapped_column(String(12), index=True)
    ordered_on: Mapped[date]
    amount: Mapped[int] = pii_column(Integer, category="amount")  # what is charged, in yen

    customer: Mapped[Customer] = relationship(back_populates="orders")
    items: Mapped[list[OrderItem]] = relationship(back_populates="order")


class OrderItem(Base):
    __tablename__ = "order_items"
    __data_subject__ = DataSubject("customer", via="order")  # and on, from the order to the customer

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    product: Mapped[str] = pii_column(category="order_items")
    quantity: Mapped[int] = pii_column(Integer, category="order_items")

    order: Mapped[Order] = relationship(back_populates="items")


class UsageEvent(Base):
    __tablename__ = "usage_events"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    page: Mapped[str] = pii_column(String(40), category="usage_history", encrypt=False)  # counted by page ...
    seen_on: Mapped[date] = pii_column(Date, category="usage_history", encrypt=False, index=True)  # ... and by day

    customer: Mapped[Customer] = relationship(back_populates="usage")


class Questionnaire(Base):
    __tablename__ = "questionnaires"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    answered_on: Mapped[date]
    score: Mapped[int] = pii_column(Integer, category="opinions", encrypt=False)  # 1 to 5; averaged
    comment: Mapped[str | None] = pii_column(category="opinions")

    customer: Mapped[Customer] = relationship(back_populates="questionnaires")


class Inquiry(Base):
    """Who waits for an answer about what. The letters themselves stay in the mailbox: the policy knows no category for
    them, so the shop has no column for them.
    """

    __tablename__ = "inquiries"
    __data_subject__ = DataSubject("customer", via="customer")

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    topic: Mapped[str] = mapped_column(String(12))  # chosen from a list, so not personal
    received_on: Mapped[date]
    answered_on: Mapped[date | None]
    reply_to: Mapped[str] = pii_column(String(320), category="email")

    customer: Mapped[Customer] = relationship(back_populates="inquiries")
