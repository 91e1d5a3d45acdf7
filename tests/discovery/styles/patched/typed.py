"""SQLAlchemy 2.0 as its tutorial writes it: annotations, with and without mapped_column."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship
from sa_privacy import DataSubject, pii_column

str50 = Annotated[str, mapped_column(String(50))]


class Base(DeclarativeBase):
    pass


class Timed:
    created_at: Mapped[datetime]


class Named:
    """Of people and of things: cannot be annotated here."""

    name: Mapped[str] = mapped_column(String(100))


class Reachable:
    """Of people alone: can be."""

    contact_email: Mapped[str | None] = pii_column(String(320), category="e_mail", lookup="casefold")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, str]:
        return {}


class User(Timed, Named, Reachable, Base):
    """A person."""

    __tablename__ = "users"
    __data_subject__ = DataSubject("user", key="id")
    __table_args__ = (UniqueConstraint("tenant", "email"), Index("by_city", "city"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[int]
    username: Mapped[str] = pii_column(String(30), unique=True, category="account", encrypt=False)
    email: Mapped[str] = pii_column(
        String(320),
        index=True,  # found when signing in
        category="e_mail", lookup="casefold",
    )
    first_name: Mapped[str | None] = pii_column(category="name")
    last_name: Mapped[str50] = pii_column(sa.String(length=50), category="name")
    dob: Mapped[date | None] = pii_column(sa.Date, category="birthday"); email_verified: Mapped[bool]  # noqa: E702
    phone: Mapped[str | None] = pii_column("phone_no", index=True, category="phone", lookup="exact")
    ip = pii_column(sa.String(45), category="ip_address")
    gender: Mapped[str | None] = pii_column(server_default=("x"), category="gender", encrypt=False)
    password_hash: Mapped[str] = pii_column(category="credential")
    住所: Mapped[str | None] = pii_column(  # 日本語の列名
        sa.Text,
        category="address",
    )
    city: Mapped[str | None] = pii_column(sa.String(20), nullable=True, comment="氏 名", category="address", lookup="exact")
    orders: Mapped[list[Order]] = relationship(back_populates="user")


class Admin(User):
    __mapper_args__ = {"polymorphic_identity": "admin"}
    home_phone: Mapped[str | None] = pii_column(sa.String(20), category="phone")


class Guest(Reachable, Base):
    __tablename__ = "guests"
    __data_subject__ = DataSubject("guest", key="id")
    id: Mapped[int] = mapped_column(primary_key=True)


class Product(Named, Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)


class Order(Base):
    """Without an empty line."""
    __tablename__ = "orders"
    __data_subject__ = DataSubject("user", via="user_id")
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    shipping_address: Mapped[str] = pii_column(sa.Text(), default="", deferred=True, category="address")
    user: Mapped[User] = relationship(back_populates="orders")
