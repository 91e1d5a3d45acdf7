"""What goes over the wire."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class SignUp(BaseModel):
    """A new member."""

    email: str
    password: str
    first_name: str
    last_name: str
    phone: str | None = None
    birthday: date | None = None


class Login(BaseModel):
    """Who somebody says to be."""

    email: str
    password: str


class Change(BaseModel):
    """What a member changes."""

    email: str | None = None
    phone: str | None = None


class MemberOut(_Read):
    """A member, to themselves and to managers."""

    id: int
    email: str
    full_name: str
    phone: str | None
    plan: str


class CourseOut(_Read):
    """A course."""

    id: int
    title: str
    price: Decimal


class BookingOut(_Read):
    """A booking with its course."""

    id: int
    paid: bool
    course: CourseOut


class MeOut(MemberOut):
    """All that a member sees of themselves."""

    birthday: date | None
    bookings: list[BookingOut]


class Page(BaseModel):
    """A page of members."""

    total: int
    items: list[MemberOut]


class DeskOut(_Read):
    """Who comes to a course."""

    id: int
    paid: bool
    member: MemberOut
