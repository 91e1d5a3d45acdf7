"""Temporary tables and views named like what a rule asks, so that the attacker answers."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, exists, func, select, text

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "names that hide other names"
ends = "refused"
purposes = (None,)
ANSWERS = "SELECT 1 AS customer_id, 'mine' AS status"


def attack(case: Case) -> object:
    case.privacy.restrict(
        Customer, role="clerk", where=lambda c, _: exists().where(Order.customer_id == c.id, Order.status == "mine")
    )
    with case.access("everything"):
        return case.each_refused(
            lambda: asked(case, f"CREATE TEMPORARY VIEW orders AS {ANSWERS}"),
            lambda: asked(case, f"CREATE TEMPORARY TABLE orders AS {ANSWERS}"),
            lambda: asked(case, f"CREATE TEMPORARY TABLE mine AS {ANSWERS}", "ALTER TABLE mine RENAME TO orders"),
            lambda: made_by_sqlalchemy(case),
            lambda: after_one_that_was_kept(case),
        )


@contextmanager
def connected(case: Case) -> Iterator[Connection]:
    """A connection of the attempt's own: what is temporary goes with it."""
    with case.engine.connect() as connection:
        try:
            yield connection
        finally:
            connection.invalidate()


def asked(case: Case, *made: str) -> object:
    with connected(case) as connection:
        for sql in made:
            connection.execute(text(sql))
        return connection.scalars(select(Customer.email)).all()


def made_by_sqlalchemy(case: Case) -> object:
    mine = Table("orders", MetaData(), Column("customer_id", Integer), Column("status", String), prefixes=["TEMPORARY"])
    with connected(case) as connection:
        mine.create(connection, checkfirst=False)
        return connection.scalar(select(func.count()).select_from(Customer))


def after_one_that_was_kept(case: Case) -> object:
    with connected(case) as connection:
        connection.scalars(select(Customer.email)).all()
        connection.execute(text(f"CREATE TEMPORARY VIEW orders AS {ANSWERS}"))
        return connection.scalars(select(Customer.email)).all()
