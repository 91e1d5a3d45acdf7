"""Rows for tests and demonstrations."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.dropin.club.models import Booking, Course, Member
from tests.dropin.club.security import hashed

PASSWORD = "correct horse"


def make_member(engine: Engine, number: int = 1, **values: Any) -> int:
    """A member; their number."""
    made = {
        "email": f"Member{number}@example.org",
        "password_hash": hashed(PASSWORD),
        "first_name": f"First{number}",
        "last_name": f"Last{number}",
        "phone": f"+81 3 1234 000{number}",
        "birthday": date(1980 + number, 1, number),
    }
    with Session(engine) as session:
        member = Member(**(made | values))
        session.add(member)
        session.commit()
        return member.id


def make_course(engine: Engine, title: str = "Judo", price: str = "10.00") -> int:
    """A course; its number."""
    with Session(engine) as session:
        course = Course(title=title, price=Decimal(price))
        session.add(course)
        session.commit()
        return course.id


def make_booking(engine: Engine, member: int, course: int, **values: Any) -> int:
    """A booking; its number."""
    with Session(engine) as session:
        booking = Booking(member=session.get_one(Member, member), course=session.get_one(Course, course), **values)
        session.add(booking)
        session.commit()
        return booking.id
