"""A cursor declared over the table, its rows taken out as XML or by FETCH."""

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "PREPARE, EXECUTE, DECLARE, DO"
ends = "refused"
backends = ("postgresql",)


def attack(case: Case) -> object:
    with case.engine.begin() as connection:
        connection.execute(text("DECLARE thief CURSOR FOR SELECT email FROM customers"))
        return connection.execute(text("FETCH ALL FROM thief")).all()
