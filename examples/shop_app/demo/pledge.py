"""Authority and pledges: who works in a role is granted it by name, and signs."""

from __future__ import annotations

from rich.text import Text
from sqlalchemy import select
from sqlalchemy.orm import Session

from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer
from sa_privacy import Privacy, PrivacyError

__all__ = ["show_pledge"]


def answer_an_inquiry(privacy: Privacy, session: Session, actor: str) -> str:
    with privacy.access(purpose="inquiries", actor=actor, role="support"):
        return session.scalars(select(Customer.email).where(Customer.id == 1)).one()


def sign(privacy: Privacy, session: Session) -> None:
    with privacy.request(actor="staff:59"):
        privacy.staff.sign(session, "staff:59", "handling", language="ja")
        session.commit()


def show_pledge(stage: Stage) -> None:
    stage.chapter(
        "Employees: authority and a pledge",
        """In customer support acts only whom the role was granted to, by name, and who has signed the pledge in its version of
        today: "granted" and "pledge" in the policy. Three people try the same:""",
    )
    stage.code(body(answer_an_inquiry))
    for actor, who in (
        ("staff:60", "was never granted the role"),
        ("staff:59", "was granted it, and has not signed"),
        ("staff:58", "was granted it, and has signed"),
    ):
        stage.say(Text(f"{actor} {who}", style="bold"))
        _try(stage, actor)
    stage.say("Who has not signed does so, for themselves. It counts with the next statement:")
    stage.code(body(sign))
    with Session(stage.engine) as session:
        sign(stage.privacy, session)
    _try(stage, "staff:59")


def _try(stage: Stage, actor: str) -> None:
    with Session(stage.engine) as session:
        try:
            answer_an_inquiry(stage.privacy, session, actor)
        except PrivacyError as error:
            stage.error(error)
        else:
            stage.indented(Text("-> the e-mail address of one customer", style="green"))
