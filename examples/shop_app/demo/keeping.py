"""What is kept no longer than promised: a plan with guards and reasons, a hold, and the run."""

from __future__ import annotations

from datetime import date, timedelta

from rich.text import Text
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from examples.shop_app.data import TODAY
from examples.shop_app.demo.refusals import body
from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer, Order, OrderItem, UsageEvent
from sa_privacy import Privacy, PrivacyError
from sa_privacy.customers.retention.plan import Due, RetentionPlan

__all__ = ["show_keeping"]


def what_is_due(privacy: Privacy, engine: Engine, today: date) -> RetentionPlan:
    with privacy.access(actor="staff:2", role="privacy_officer"), Session(engine) as session:
        return privacy.retention.plan(session, as_of=today)


def hold_it(privacy: Privacy, engine: Engine, customer: int, review_by: date) -> None:
    with privacy.access(actor="staff:2", role="privacy_officer", reason="claim of a carrier"):
        privacy.holds.guard(engine)  # triggers, made once by the owner of the tables
        with Session(engine) as session:
            privacy.holds.place(
                session,
                subject=customer,
                case="2026-17",
                reason="claim of a carrier",
                review_by=review_by,
            )
            session.commit()


def destroyed_by_hand(privacy: Privacy, engine: Engine, customer: int) -> None:
    tidying = privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="tidying")
    with tidying, Session(engine) as session:
        unused = text("DELETE FROM usage_events WHERE customer_id = :customer")
        session.execute(unused, {"customer": customer})


def the_night(privacy: Privacy, engine: Engine, today: date) -> dict[str, int]:
    with privacy.access(actor="staff:2", role="privacy_officer", reason="the night"):
        report = privacy.retention.run(engine, as_of=today)
    return {one.planned.schedule: one.rows for one in report.done}


def show_keeping(stage: Stage) -> None:
    stage.chapter(
        "What is over goes",
        """Clause 2-4 again: the policy says how long each table is kept, from when, and what may keep it longer. A guard ends with
        the work, a reason of law with its years; the last of several decides.""",
    )
    somebody = _of_long_ago(stage)
    stage.code(body(what_is_due))
    _show(stage, what_is_due(stage.privacy, stage.engine, TODAY))
    stage.say("Customer 1 is among those whose time is over, and in dispute with a carrier. So that nothing is lost:")
    stage.code(body(hold_it))
    hold_it(stage.privacy, stage.engine, 1, TODAY + timedelta(days=180))
    stage.say("The hold stands in the database, whichever way somebody comes. An engineer, with SQL of their own:")
    stage.code(body(destroyed_by_hand))
    try:
        destroyed_by_hand(stage.privacy, stage.engine, 1)
    except PrivacyError as error:
        stage.error(error)
    else:
        raise AssertionError("what is held was destroyed")
    stage.say("The plan tells of the hold, and the night leaves alone what is held:")
    stage.code(body(the_night))
    done = the_night(stage.privacy, stage.engine, TODAY)
    said = ", ".join(f"{schedule} {rows:,}" for schedule, rows in done.items() if rows)
    stage.indented(Text(f"-> {said}", style="green"))
    stage.say("What is left of the plan waits, and each row says for what:")
    left = what_is_due(stage.privacy, stage.engine, TODAY)
    _show(stage, left)
    if any(one.to_do for one in left.due):
        raise AssertionError("a run leaves nothing to do")
    with stage.privacy.access("shipping", actor="staff:17", role="warehouse"), Session(stage.engine) as session:
        if session.get(Customer, 1) is None or session.get(Customer, somebody) is not None:
            raise AssertionError("who is held stays, who is not goes")


def _show(stage: Stage, plan: RetentionPlan) -> None:
    table = stage.table("schedule", "rows", "what becomes of them, and what is held back")
    for due in plan.due:
        if due.over:
            table.add_row(
                due.title.get(stage.language, due.schedule), f"{due.to_do:,}", "\n".join(_said(due, stage.language))
            )
    stage.console.print(table)


def _said(due: Due, language: str) -> list[str]:
    lines = [f"{due.action}: {due.clock} before {due.before:%Y-%m-%d} ({due.period})"] if due.ends else []
    if due.meanwhile:
        lines.append(f"{due.meanwhile:,} without what leads to the customer, as long as a reason keeps them")
    for held in due.waiting:
        title = held.title.get(language, held.what)
        until = f", until {held.until:%Y-%m-%d} for the last" if held.until else ""
        what = {"hold": "held: case", "rows": "wait for rows that stay in", "guard": "wait:", "reason": "kept:"}[
            held.by
        ]
        ends = f"; {held.ends[language]}" if held.ends else ""
        lines.append(f"{held.rows:,} {what} {title}{until}{ends}")
    return lines


def _of_long_ago(stage: Stage) -> int:
    """A customer who has not been here for four years."""
    then = TODAY - timedelta(days=4 * 365)
    kim = Customer(
        name="Kim Past",
        address="5 Example Lane, Sakai-shi, Osaka",
        email="kim.past@example.com",
        language="en",
        joined_on=then,
        usage=[UsageEvent(page="checkout", seen_on=then)],
        orders=[
            Order(status="shipped", ordered_on=then, amount=2_400, items=[OrderItem(product="tea cup", quantity=1)])
        ],
    )
    engineer = stage.privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="somebody of long ago")
    with engineer, Session(stage.engine) as session:
        session.add(kim)
        session.commit()
        return kim.id
