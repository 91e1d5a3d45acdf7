"""A customer is erased: a plan to look at, what the law keeps, and nothing that leads to them afterwards."""

from __future__ import annotations

from rich.text import Text
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from examples.shop_app.data import TODAY
from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer, Order, OrderItem, UsageEvent
from sa_privacy import Privacy, PrivacyError
from sa_privacy.customers.erasure import ErasurePlan

__all__ = ["show_erasing"]

_WORDS = {
    "shell": "a row without a person takes their place",
    "relink": "leads to that row",
    "unlink": "leads nowhere",
    "anonymise": "emptied",
    "delete": "gone",
}


def plan_it(privacy: Privacy, engine: Engine, customer: int) -> ErasurePlan:
    with privacy.access(actor="staff:2", role="privacy_officer"), Session(engine) as session:
        return privacy.erasure.plan(session, customer)


def carry_it_out(privacy: Privacy, engine: Engine, plan: ErasurePlan) -> None:
    with privacy.access(actor="staff:2", role="privacy_officer", reason="the customer asked for it"):
        privacy.erasure.run(engine, plan)


def charged(stage: Stage) -> tuple[int, int]:
    """How many orders there are, and what was charged for all of them."""
    desk = stage.privacy.access(purpose="order_confirmation", actor="staff:21", role="order_desk")
    with desk, Session(stage.engine) as session:
        amounts = session.scalars(select(Order.amount)).all()
    return len(amounts), sum(amounts)


def ship_it(session: Session, customer: int) -> None:
    for order in session.scalars(select(Order).where(Order.customer_id == customer)):
        order.status = "shipped"
    session.commit()


def show_erasing(stage: Stage) -> None:
    stage.chapter(
        "A customer is erased",
        """Clause 2-4: deleted after a time, or because the customer asks. Nothing runs before somebody has looked at the plan, and
        the run refuses if the data has moved on since. Orders are kept for the books, without what leads to the customer.""",
    )
    customer = _somebody(stage)
    stage.say("Who asks still waits for a parcel, and the policy guards open orders:")
    held = plan_it(stage.privacy, stage.engine, customer)
    try:
        carry_it_out(stage.privacy, stage.engine, held)
    except PrivacyError as error:
        stage.error(error)
    else:
        raise AssertionError("somebody who waits for an order was erased")
    with stage.privacy.access(purpose="shipping", actor="staff:17", role="warehouse"), Session(stage.engine) as session:
        ship_it(session, customer)
    before = charged(stage)
    stage.say("The parcel is sent. Now the plan says:")
    stage.code(body(plan_it))
    plan = plan_it(stage.privacy, stage.engine, customer)
    table = stage.table("table", "rows", "what becomes of them")
    for name, counts in plan.counts.items():
        for verb, rows in counts.items():
            table.add_row(name, str(rows), _WORDS[verb])
    stage.console.print(table)
    for kept in plan.kept:
        until = "" if kept.until is None else f", until {kept.until:%Y-%m-%d} at the latest"
        words = f"kept: {kept.rows} rows of {kept.table}, {', '.join(kept.columns)}{until}: {kept.law}"
        stage.indented(Text(words, style="dim"))
    stage.code(body(carry_it_out))
    carry_it_out(stage.privacy, stage.engine, plan)
    if charged(stage) != before:
        raise AssertionError("the books do not add up any more")
    words = f"-> {before[0]:,} orders and {before[1]:,} yen, before and after: the books add up"
    stage.indented(Text(words, style="green"))
    try:
        plan_it(stage.privacy, stage.engine, customer)
    except PrivacyError as error:
        stage.error(error)
    else:
        raise AssertionError("the customer is still there")


def _somebody(stage: Stage) -> int:
    """A customer with two orders, one of which is not sent yet."""
    robin = Customer(
        name="Robin Field",
        address="3 Example Lane, Sakai-shi, Osaka",
        email="robin.field@example.com",
        language="en",
        joined_on=TODAY,
        usage=[UsageEvent(page="checkout", seen_on=TODAY)],
        orders=[
            Order(status=status, ordered_on=TODAY, amount=4_900, items=[OrderItem(product="cotton shirt", quantity=1)])
            for status in ("shipped", "paid")
        ],
    )
    engineer = stage.privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="somebody to erase")
    with engineer, Session(stage.engine) as session:
        session.add(robin)
        session.commit()
        return robin.id
