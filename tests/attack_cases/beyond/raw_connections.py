"""A cursor of the driver, in every way in which SQLAlchemy hands one out, and listeners that use one."""

from contextlib import closing
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from tests.attack_cases.case import Case
from tests.attack_cases.ways import wall
from tests.attack_cases.world import Product

SQL = "SELECT email FROM customers"


def taken(connection: Any) -> object:
    with closing(connection.cursor()) as cursor:
        cursor.execute(SQL)
        return list(cursor.fetchall())


def raw(case: Case) -> object:
    with closing(case.engine.raw_connection()) as connection:
        return taken(connection)


def of_a_session(case: Case) -> object:
    with Session(case.engine) as session:
        return taken(session.connection().connection)


def listened(case: Case) -> object:
    loot: list[object] = []

    def instead(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        with closing(context.root_connection.connection.cursor()) as other:
            other.execute(SQL)
            loot.extend(other.fetchall())

    event.listen(case.engine, "do_execute", instead)
    try:
        with case.engine.connect() as connection:
            connection.execute(select(Product.title))
    finally:
        event.remove(case.engine, "do_execute", instead)
    return loot


paths = {
    "raw_connection": wall(raw),
    "cursor of the driver": wall(of_a_session),
    "a listener that runs SQL of its own": wall(listened),
}
