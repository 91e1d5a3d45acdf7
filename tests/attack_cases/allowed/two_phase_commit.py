"""A transaction is prepared first, and what became of it is decided afterwards."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.attack_cases.case import Case

backends = ("postgresql",)


def work(case: Case) -> object:
    with case.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("BEGIN"))
        connection.execute(text("INSERT INTO notes (id, body) VALUES (32, 'twice')"))
        try:
            connection.execute(text("PREPARE TRANSACTION 'orders'"))
        except DBAPIError:  # the server keeps none prepared, and has rolled back
            return [("twice",)]
        connection.execute(text("COMMIT PREPARED 'orders'"))
        return connection.execute(text("SELECT body FROM notes WHERE id = 32")).all()


expect = [("twice",)]
