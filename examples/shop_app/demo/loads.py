"""Loading an object under two purposes, and holding on to it for too long."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from examples.shop_app.demo.stage import ACTING, Stage
from examples.shop_app.models import Customer, Questionnaire, UsageEvent
from sa_privacy import AccessDenied, NoAccess

__all__ = ["show_loads", "show_memory"]

_ATTRIBUTES = ("id", "name", "name_kana", "address", "phone", "email", "birthday", "language", "joined_on")


def show_loads(stage: Stage) -> None:
    stage.chapter(
        "The same load under two purposes",
        f"""session.get(Customer, {stage.someone}), twice. What the purpose does not cover is left out of the SQL, so it
        never leaves the database. Asking the object for it is an error; everything else works as before.""",
    )
    sides = Table.grid(padding=(0, 3, 0, 0), expand=True)
    halves = [_load(stage, purpose) for purpose in ("shipping", "campaigns")]
    for _ in halves:
        sides.add_column(ratio=1)
    for left, right in zip(*halves, strict=True):
        sides.add_row(left, right)
        sides.add_row("", "")
    stage.console.print(sides)
    stage.say("Counting and averaging work too, where the purpose covers the column and the column is not sealed:")
    _aggregate(stage)


def _load(stage: Stage, purpose: str) -> tuple[Text, Text, Table]:
    """The heading, the SQL, and what the object shows."""
    acting = ACTING[purpose]
    table = Table.grid(padding=(0, 2, 0, 0))
    with stage.privacy.access(purpose, actor=acting.actor, role=acting.role), Session(stage.engine) as session:
        with stage.sent() as statements:
            customer = session.get_one(Customer, stage.someone)
        for name in _ATTRIBUTES:
            try:
                value = Text(str(getattr(customer, name)))
            except AccessDenied as error:
                value = Text(f"{type(error).__name__} [{error.code}]", style="red")
            table.add_row(Text(name, style="bold"), value)
    return Text(f'purpose="{purpose}", role="{acting.role}"', style="bold"), _sql(statements), table


def _sql(statements: list[str]) -> Text:
    """SQL with one column a line."""
    return Text("\n".join(sql.replace(", ", ",\n       ") for sql in statements), style="cyan")


def _aggregate(stage: Stage) -> None:
    visits = func.count().label("visits")
    pages = select(UsageEvent.page, visits).group_by(UsageEvent.page).order_by(visits.desc(), UsageEvent.page).limit(3)
    score = select(func.avg(Questionnaire.score))
    acting = ACTING["service_improvement"]
    improving = stage.privacy.access("service_improvement", actor=acting.actor, role=acting.role)
    with improving, Session(stage.engine) as session:
        top = ", ".join(f"{page} {count:,}" for page, count in session.execute(pages))
        average = session.scalar(score)
    stage.indented(Text(f"most visited pages: {top}"))
    stage.indented(Text(f"average score: {average:.2f}" if average is not None else "average score: no answers yet"))


def show_memory(stage: Stage) -> None:
    stage.chapter(
        "A value outlives its purpose",
        "An object keeps what was loaded into it. Still, a value is judged where it is read, not only where it came from.",
    )
    stage.code(
        f"""with privacy.access(purpose="shipping", actor="staff:17", role="warehouse", reason="order 1001"):
    customer = session.get(Customer, {stage.someone})
    print(customer.name)
print(customer.name)                # the parcel is packed, the block is left"""
    )
    acting = ACTING["shipping"]
    with Session(stage.engine) as session:
        with stage.privacy.access("shipping", actor=acting.actor, role=acting.role, reason="order 1001"):
            customer = session.get_one(Customer, stage.someone)
            stage.indented(Text(customer.name))
        try:
            stage.indented(Text(customer.name))
        except NoAccess as error:
            stage.error(error)
