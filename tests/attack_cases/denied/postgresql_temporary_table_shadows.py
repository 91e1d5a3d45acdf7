"""A temporary view named like a table of nobody's."""

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "names that hide other names"
ends = "refused"
backends = ("postgresql",)


def attack(case: Case) -> object:
    with case.engine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY VIEW products AS SELECT id, email AS title FROM customers"))
        return connection.execute(text("SELECT title FROM products")).all()
