"""SQLAlchemy 2.0 as its tutorial writes it: annotations, with and without mapped_column."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import sqlalchemy as sa
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship

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

    contact_email: Mapped[str | None] = mapped_column(String(320))

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, str]:
        return {}


class User(Timed, Named, Reachable, Base):
    """A person."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("tenant", "email"), Index("by_city", "city"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[int]
    username: Mapped[str] = mapped_column(String(30), unique=True)
    email: Mapped[str] = mapped_column(
        String(320),
        index=True,  # found when signing in
    )
    first_name: Mapped[str | None]
    last_name: Mapped[str50]
    dob: Mapped[date | None]; email_verified: Mapped[bool]  # noqa: E702
    phone: Mapped[str | None] = mapped_column("phone_no", index=True)
    ip = mapped_column(sa.String(45))
    gender: Mapped[str | None] = mapped_column(server_default=("x"))
    password_hash: Mapped[str] = mapped_column()
    住所: Mapped[str | None] = mapped_column(  # 日本語の列名
        sa.Text
    )
    city: Mapped[str | None] = sa.orm.mapped_column(sa.String(20), nullable=True, comment="氏 名")
    orders: Mapped[list[Order]] = relationship(back_populates="user")


class Admin(User):
    __mapper_args__ = {"polymorphic_identity": "admin"}
    home_phone: Mapped[str | None] = mapped_column(sa.String(20))


class Guest(Reachable, Base):
    __tablename__ = "guests"
    id: Mapped[int] = mapped_column(primary_key=True)


class Product(Named, Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)


class Order(Base):
    """Without an empty line."""
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    shipping_address: Mapped[str] = mapped_column(sa.Text(), default="", deferred=True)
    user: Mapped[User] = relationship(back_populates="orders")
