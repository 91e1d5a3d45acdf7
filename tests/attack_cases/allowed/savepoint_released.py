"""A savepoint is released, and a transaction left open is rolled back when its connection is closed."""

from sqlalchemy import text

from tests.attack_cases.case import Case


def work(case: Case) -> object:
    with case.engine.connect() as connection:
        connection.execute(text("SAVEPOINT before"))
        connection.execute(text("INSERT INTO notes (id, body) VALUES (30, 'once')"))
        connection.execute(text("RELEASE SAVEPOINT before"))
        connection.commit()
        connection.execute(text("INSERT INTO notes (id, body) VALUES (31, 'never')"))
    return case.rows("SELECT body FROM notes WHERE id >= 30")


expect = [("once",)]
