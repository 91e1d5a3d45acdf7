"""Statements that a driver takes and that are no text: bytes, psycopg's own objects, and what is no statement at all."""

from typing import Any

from psycopg.sql import SQL, Identifier
from sqlalchemy import event, literal, select

from tests.attack_cases.case import Case

path = "driver SQL"
ends = "refused"
purposes = ("shipping",)
hollow = "most of it is no statement for any driver; what matters is that the gate says so"
TEXT = "SELECT email FROM customers"
STATEMENTS: tuple[Any, ...] = (
    TEXT.encode(),
    bytearray(TEXT.encode()),
    SQL(TEXT),
    SQL("SELECT {} FROM {}").format(Identifier("email"), Identifier("customers")),
    [TEXT],
    None,
    1,
)


def attack(case: Case) -> object:
    with case.access("shipping"):
        return case.each_refused(
            *(lambda one=one: case.driver_rows(one) for one in STATEMENTS),
            *(lambda one=one: put_in_its_place(case, one) for one in STATEMENTS),
        )


def put_in_its_place(case: Case, statement: Any) -> object:
    with case.engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *said: (statement, said[3]), retval=True)
        return connection.execute(select(literal("x"))).all()
