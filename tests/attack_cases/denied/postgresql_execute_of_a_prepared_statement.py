"""EXECUTE of a statement that somebody prepared on the connection before."""

from contextlib import closing

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "PREPARE, EXECUTE, DECLARE, DO"
ends = "refused"
backends = ("postgresql",)


def attack(case: Case) -> object:
    with case.engine.begin() as connection:
        with closing(connection.connection.cursor()) as raw:  # out of the gate's sight
            raw.execute("DEALLOCATE ALL")
            raw.execute("PREPARE thief AS SELECT email FROM customers")
        return connection.execute(text("EXECUTE thief")).all()
