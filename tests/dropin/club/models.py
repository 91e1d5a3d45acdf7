"""The tables."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, String, func
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """All tables of the club."""


class Timestamps:
    """When a row was made and changed."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(onupdate=func.now())


class Member(Timestamps, Base):
    """Somebody who signed up."""

    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80))
    phone: Mapped[str | None] = mapped_column(String(40))
    birthday: Mapped[date | None]
    plan: Mapped[str] = mapped_column(String(20), default="basic")
    is_manager: Mapped[bool] = mapped_column(default=False)

    bookings: Mapped[list[Booking]] = relationship(back_populates="member", cascade="all, delete-orphan")
    tokens: Mapped[list[Token]] = relationship(back_populates="member", cascade="all, delete-orphan")

    @hybrid_property
    def full_name(self) -> str:
        """First and last name."""
        return self.first_name + " " + self.last_name

    def __repr__(self) -> str:
        return f"<Member {self.id} {self.email}>"


class Token(Base):
    """Who has signed in."""

    __tablename__ = "tokens"
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    member: Mapped[Member] = relationship(back_populates="tokens")


class Course(Base):
    """What one can book."""

    __tablename__ = "courses"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(120))
    price: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    bookings: Mapped[list[Booking]] = relationship(back_populates="course")


class Booking(Timestamps, Base):
    """A place in a course."""

    __tablename__ = "bookings"
    __table_args__ = (Index("ix_bookings_course", "course_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("courses.id"))
    paid: Mapped[bool] = mapped_column(default=False)
    member: Mapped[Member] = relationship(back_populates="bookings")
    course: Mapped[Course] = relationship(back_populates="bookings")
