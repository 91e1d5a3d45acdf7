"""A person is found by a sealed value that nobody may read."""

from __future__ import annotations

from contextlib import closing
from sqlite3 import connect

from rich.text import Text
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from examples.shop_app.demo.stage import ACTING, Stage
from examples.shop_app.models import Customer
from sa_privacy import PurposeDenied

__all__ = ["show_search"]


def show_search(stage: Stage) -> None:
    stage.chapter(
        "Found, and not read",
        """Somebody signs in and types an e-mail address, in capitals. The column is sealed and says lookup="casefold": in
        front of each cell stands a keyed digest, which the database can compare and index, and cannot turn back.""",
    )
    acting = ACTING["campaigns"]
    with stage.privacy.access("campaigns", actor=acting.actor, role=acting.role), Session(stage.engine) as session:
        typed = session.get_one(Customer, stage.someone).email.upper()
    stage.code(
        f"""with privacy.access(purpose="sign_in", role="visitor"):
    wanted = select(Customer).where(Customer.email == "{typed}")
    customer = session.scalars(wanted).one()
    print(customer.id)
    print(customer.email)"""
    )
    with stage.privacy.access("sign_in", role="visitor"), Session(stage.engine) as session:
        with stage.sent() as statements:
            customer = session.scalars(select(Customer).where(Customer.email == typed)).one()
        stage.indented(Text(str(customer.id)))
        try:
            stage.indented(Text(customer.email))
        except PurposeDenied as error:
            stage.error(error)
    stage.say("The SQL that was sent, and how SQLite goes about it:")
    for sql in statements:
        stage.indented(
            Text(sql.replace("FROM", "\nFROM").replace("WHERE", "\nWHERE").replace("\n\n", "\n"), style="cyan")
        )
        stage.indented(Text(_plan(stage, sql), style="bold"))
    stage.say("The same digest keeps addresses unique. A second account with this one, in small letters:")
    stage.indented(Text(_twice(stage, typed.lower()), style="red"))


def _plan(stage: Stage, sql: str) -> str:
    """SQLite's own account of a statement."""
    with closing(connect(stage.database)) as connection:
        found = connection.execute(f"EXPLAIN QUERY PLAN {sql}", (b"",) * sql.count("?")).fetchall()
    return "\n".join(str(line[-1]) for line in found)


def _twice(stage: Stage, email: str) -> str:
    """What comes of writing an address that somebody has."""
    with (
        stage.privacy.access(maintenance=True, actor="demo", role="engineer", reason="an address twice"),
        Session(stage.engine) as session,
    ):
        first = session.get_one(Customer, stage.someone)
        again = Customer(name="Somebody Else", address="-", email=email, language="en", joined_on=first.joined_on)
        session.add(again)
        try:
            session.flush()
        except IntegrityError as error:
            session.rollback()
            return str(error).splitlines()[0]
    return "it was written"
