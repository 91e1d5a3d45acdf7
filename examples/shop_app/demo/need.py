"""Need to know: which rows a role reaches."""

from __future__ import annotations

from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer, Inquiry
from sa_privacy import Privacy

__all__ = ["show_need"]


def who_wrote_to_us(privacy: Privacy) -> None:
    wrote = select(Inquiry.customer_id)
    privacy.restrict(Customer, role="support", where=lambda c, _access: c.id.in_(wrote))


def customers_of_support(privacy: Privacy, session: Session) -> int:
    with privacy.access(purpose="inquiries", actor="staff:58", role="support"):
        return session.scalars(select(func.count()).select_from(Customer)).one()


def show_need(stage: Stage) -> None:
    stage.chapter(
        "Need to know",
        """A policy says which columns a purpose covers; a row rule says whose. Customer support needs the customers who
        wrote to it. First it counts them without a rule:""",
    )
    stage.code(body(customers_of_support))
    with Session(stage.engine) as session:
        everybody = customers_of_support(stage.privacy, session)
        stage.indented(Text(f"-> {everybody:,}", style="green"))
        stage.say("The rule, written once, where the application starts:")
        stage.code(body(who_wrote_to_us))
        who_wrote_to_us(stage.privacy)
        stage.say("The same count:")
        some = customers_of_support(stage.privacy, session)
    stage.indented(Text(f"-> {some:,}; the others do not exist for customer support", style="green"))
    if some >= everybody:
        raise AssertionError("not everybody wrote")
