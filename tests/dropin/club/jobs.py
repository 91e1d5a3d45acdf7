"""What runs in the background."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection, Engine, extract, select
from sqlalchemy.orm import Session, joinedload

from tests.dropin.club.models import Booking, Member

log = logging.getLogger("club.jobs")
OUTBOX: list[tuple[str, str]] = []


def confirm(bind: Engine | Connection, booking_id: int) -> None:
    """Tells a member that a place is theirs."""
    with Session(bind) as session:
        booking = session.get_one(Booking, booking_id, options=[joinedload(Booking.member), joinedload(Booking.course)])
        OUTBOX.append(
            (booking.member.email, f"{booking.member.first_name}, you have a place in {booking.course.title}")
        )


def greet(engine: Engine, day: date) -> int:
    """Writes to everybody whose birthday it is."""
    with Session(engine) as session:
        month_and_day = (extract("month", Member.birthday) == day.month, extract("day", Member.birthday) == day.day)
        found = session.scalars(select(Member).where(*month_and_day).order_by(Member.id)).all()
        for one in found:
            log.info("greeting %r", one)
            OUTBOX.append((one.email, f"Happy birthday, {one.first_name}!"))
        return len(found)


def purge_tokens(engine: Engine) -> int:
    """Signs everybody out."""
    with Session(engine) as session:
        count = session.query(Member).join(Member.tokens).count()
        for one in session.scalars(select(Member).options(joinedload(Member.tokens))).unique():
            one.tokens.clear()
        session.commit()
        return count


#: What the scheduler runs, by name.
JOBS: dict[str, Callable[..., int]] = {"greet": greet, "purge-tokens": purge_tokens}
