"""Queries that are refused. Each is a function here; the demo prints its source, runs it, and prints the error."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable

from rich.text import Text
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from examples.shop_app.demo.stage import Stage
from examples.shop_app.models import Customer, UsageEvent
from sa_privacy import Privacy, PrivacyError

__all__ = ["REFUSED", "body", "show_refusals"]


def uncovered_column(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"):
        session.scalars(select(Customer.email)).all()


def uncovered_match(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"):
        hesitant = select(Customer.name).join(Customer.usage).where(UsageEvent.page == "cart")
        session.scalars(hesitant).all()


def text_sql(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="shipping", actor="staff:17", role="warehouse"):
        session.execute(text("SELECT * FROM customers")).all()


def no_access(_privacy: Privacy, session: Session) -> None:
    session.scalars(select(Customer.name)).all()


def another_roles_purpose(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="shipping", actor="staff:34", role="marketing"):
        session.scalars(select(Customer.name)).all()


def other_peoples_rows(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="account", actor="customer:1", role="customer", subject=1):
        session.execute(text("SELECT name FROM customers")).all()


def sealed_order(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="campaigns", actor="staff:34", role="marketing"):
        session.scalars(select(Customer.name).order_by(Customer.name)).all()


def unknown_function(privacy: Privacy, session: Session) -> None:
    with privacy.access(purpose="service_improvement", actor="staff:42", role="analyst"):
        session.scalars(select(func.page_group(UsageEvent.page))).all()


REFUSED: dict[str, Callable[[Privacy, Session], None]] = {
    "A column that the purpose does not cover": uncovered_column,
    "Choosing people by such a column": uncovered_match,
    "SQL written by hand": text_sql,
    "No purpose at all": no_access,
    "A purpose that is not the role's": another_roles_purpose,
    "Other people's rows": other_peoples_rows,
    "Sorting by sealed values": sealed_order,
    "A function that nobody knows": unknown_function,
}


def show_refusals(stage: Stage) -> None:
    stage.chapter(
        "What is refused, and the way out",
        """A statement is judged at the last step before the driver, whoever wrote it. What follows is run as printed.
        The error says what, for which purpose, as whom, and what to do next. It never holds a value.""",
    )
    for title, refused in REFUSED.items():
        stage.say(Text(title, style="bold"))
        stage.code(body(refused))
        with Session(stage.engine) as session:
            try:
                refused(stage.privacy, session)
            except PrivacyError as error:
                stage.error(error)
            else:
                raise AssertionError(f"not refused: {title}")
        stage.console.print()


def body(function: Callable[..., object]) -> str:
    """A function's source without its first line."""
    return textwrap.dedent(inspect.getsource(function).partition(":\n")[2]).rstrip()
