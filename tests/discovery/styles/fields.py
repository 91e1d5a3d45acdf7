"""Mapped dataclasses: which fields have defaults decides their order."""

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column


class Base(MappedAsDataclass, DeclarativeBase):
    pass


class Guest(Base):
    __tablename__ = "guests"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    full_name: Mapped[str]
    email: Mapped[str] = mapped_column(String(320), unique=True)
    room: Mapped[int]
    birthday: Mapped[date | None] = mapped_column(default=None)
    nickname: Mapped[str | None] = mapped_column(String(20), default=None, repr=False)
    username: Mapped[str | None] = mapped_column(default=None)  # not sealed: goes to the policy


GUEST = Guest("A", "a@example.org", 1)
