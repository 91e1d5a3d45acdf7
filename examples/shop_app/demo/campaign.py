"""Consent: a campaign reaches the people who said yes, and nobody who took it back."""

from __future__ import annotations

from rich.text import Text
from sqlalchemy import select
from sqlalchemy.orm import Session

from examples.shop_app.data import ASKED
from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer
from sa_privacy import Privacy

__all__ = ["show_campaign"]


def addresses(privacy: Privacy, session: Session) -> list[str]:
    with privacy.access(purpose="campaigns", actor="staff:34", role="marketing"):
        return list(session.scalars(select(Customer.email)))


def change_of_mind(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="account", actor="customer:2", role="customer", subject=2):
        entry = privacy.consents.withdraw(session, 2, "campaigns", how="web")
        session.commit()
        print(privacy.consents.receipt(session, 2, entry.id, "en"))


def show_campaign(stage: Stage) -> None:
    stage.chapter(
        "A campaign reaches who said yes",
        f"""The purpose "campaigns" has consent = "opt_in". The first {ASKED} customers were asked, and every third one of them
        said no; the others never said yes. Nothing about that stands in the query:""",
    )
    stage.code(body(addresses))
    with Session(stage.engine) as session:
        before = addresses(stage.privacy, session)
        with stage.privacy.access("order_confirmation", actor="staff:21", role="order_desk"):
            everybody = len(session.scalars(select(Customer.email)).all())
        stage.indented(Text(f"-> {len(before)} addresses; the shop has {everybody:,} customers", style="green"))
        stage.say("Customer 2 takes it back, signed in to their account, and gets a receipt:")
        stage.code(body(change_of_mind))
        with stage.printed():
            change_of_mind(stage.privacy, session)
        stage.say("The very next campaign:")
        after = addresses(stage.privacy, session)
    stage.indented(Text(f"-> {len(after)} addresses", style="green"))
    if len(after) != len(before) - 1:
        raise AssertionError("one customer less")
