"""PREPARE hides the statement, EXECUTE runs it."""

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "PREPARE, EXECUTE, DECLARE, DO"
ends = "refused"
backends = ("postgresql",)


def attack(case: Case) -> object:
    with case.engine.begin() as connection:
        connection.execute(text("PREPARE thief AS SELECT email FROM customers"))
        return connection.execute(text("EXECUTE thief")).all()
