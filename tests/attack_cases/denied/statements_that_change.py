"""Listeners, elements and caches that change what is sent, or what comes back, after the statement was written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

from tests.attack_cases.case import Case
from tests.attack_cases.ways import refused
from tests.attack_cases.world import Customer, Product

EMAIL, TITLE = select(Customer.email), select(Product.title)


class Anything(ColumnElement[str]):
    """Looks like a column of nobody's."""

    inherit_cache = True


@compiles(Anything)
def _anything(element: Anything, compiler: Any, **how: Any) -> str:
    return "(SELECT min(email) FROM customers)"


@contextmanager
def listening(target: Any, name: str, listener: Any, **how: Any) -> Iterator[None]:
    event.listen(target, name, listener, **how)
    try:
        yield
    finally:
        event.remove(target, name, listener)


def statement_changed(case: Case) -> object:
    def change(connection: Any, element: Any, multi: Any, params: Any, options: Any) -> Any:
        return (EMAIL if element is TITLE else element), multi, params

    def replace(state: Any) -> None:
        state.statement = EMAIL

    with listening(case.engine, "before_execute", change, retval=True), case.engine.connect() as connection:
        loot = case.each(lambda: connection.execute(TITLE).all())
    with listening(case.session, "do_orm_execute", replace):
        return [*loot, *case.each(lambda: case.session.execute(TITLE).all())]


def sql_changed(case: Case) -> object:
    def change(connection: Any, cursor: Any, sql: str, parameters: Any, context: Any, many: Any) -> Any:
        return sql.replace("products.title", "email").replace("products", "customers"), parameters

    with listening(case.engine, "before_cursor_execute", change, retval=True):
        return case.each(lambda: case.session.execute(TITLE).all())


def compiled(case: Case) -> object:
    return case.each(
        lambda: case.session.execute(select(Anything())).all(),
        lambda: case.session.execute(select(Product.id).order_by(Anything()).add_columns(Anything())).all(),
    )


def cached_statement(case: Case) -> object:
    with case.access("campaigns"):
        for _ in range(12):
            assert case.session.execute(EMAIL).all()
    return case.each(lambda: case.session.execute(EMAIL).all(), lambda: case.rows("SELECT email FROM customers"))


paths = {
    "a listener that changes the statement": refused(statement_changed),
    "a listener that changes the SQL": refused(sql_changed),
    "an element that compiles to what it likes": refused(compiled),
    "a cached statement under another purpose": refused(cached_statement),
}
