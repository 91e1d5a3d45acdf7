"""An emergency: an access that the role does not have, for a few minutes, seen by a second person."""

from __future__ import annotations

from rich.text import Text
from sqlalchemy import select
from sqlalchemy.orm import Session

from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer
from sa_privacy import Privacy, PrivacyError
from sa_privacy.accesslog import open_reviews, review

__all__ = ["show_emergency"]


def stop_a_parcel(privacy: Privacy, session: Session) -> str | None:
    with privacy.access(
        purpose="shipping",
        actor="staff:58",
        role="support",
        break_glass=True,
        reason="a parcel with the wrong medicine must be stopped tonight",
        ticket="INC-2041",
    ):
        return session.scalars(select(Customer.phone).where(Customer.id == 1)).one()


def show_emergency(stage: Stage) -> None:
    stage.chapter(
        "Breaking the glass",
        """Customer support answers inquiries; it does not ship. In an emergency the policy lets it act for "shipping" all
        the same: for fifteen minutes, with a reason and a ticket, on the disk before anything is read.""",
    )
    stage.code(body(stop_a_parcel))
    with Session(stage.engine) as session:
        phone = stop_a_parcel(stage.privacy, session)
    if phone is None:
        raise AssertionError("customer 1 has a telephone number")
    stage.indented(Text("-> the telephone number of one customer", style="green"))
    [waiting] = open_reviews(stage.log)
    event = waiting.event
    stage.say(
        f"""It waits for a review: {waiting.id}, {event.actor} as {", ".join(event.roles)}, ticket {event.ticket}, until
        {event.until:%H:%M:%S} UTC. Nobody closes their own:"""
    )
    closing = "review(log, of=..., verdict="
    stage.code(f'{closing}"justified", by="staff:58", reason="it was urgent")')
    try:
        review(stage.log, of=waiting.id, verdict="justified", by="staff:58", reason="it was urgent")
    except PrivacyError as error:
        stage.error(error)
    else:
        raise AssertionError("staff:58 reviewed what staff:58 did")
    stage.code(f'{closing}"justified", by="staff:3", reason="spoke to the carrier")')
    review(stage.log, of=waiting.id, verdict="justified", by="staff:3", reason="spoke to the carrier")
    stage.indented(Text(f"{len(open_reviews(stage.log))} wait for a review", style="green"))
