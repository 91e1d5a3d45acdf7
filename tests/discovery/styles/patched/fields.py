"""Mapped dataclasses: which fields have defaults decides their order."""

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column
from sa_privacy import DataSubject, Encrypted
from sqlalchemy import Date


class Base(MappedAsDataclass, DeclarativeBase):
    pass


class Guest(Base):
    __tablename__ = "guests"
    __data_subject__ = DataSubject("guest", key="id")

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    full_name: Mapped[str] = mapped_column(Encrypted(category="name"), repr=False, compare=False)
    email: Mapped[str] = mapped_column(Encrypted(String(320), category="e_mail", lookup="casefold"), unique=True, repr=False, compare=False)
    room: Mapped[int]
    birthday: Mapped[date | None] = mapped_column(Encrypted(Date, category="birthday"), default=None, repr=False, compare=False)
    nickname: Mapped[str | None] = mapped_column(Encrypted(String(20), category="name"), default=None, repr=False, compare=False)
    username: Mapped[str | None] = mapped_column(default=None)  # not sealed: goes to the policy


GUEST = Guest("A", "a@example.org", 1)
