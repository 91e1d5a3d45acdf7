"""A row goes with another one, and a trigger of its table, the protected one, copies what was in it."""

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "triggers on other tables"
ends = "refused"
backends = ("sqlite",)
prepare = (
    "CREATE TABLE regions (id integer PRIMARY KEY)",
    "INSERT INTO regions VALUES (1)",
    "ALTER TABLE customers ADD COLUMN region integer REFERENCES regions ON DELETE SET NULL",
    "UPDATE customers SET region = 1",
    "CREATE TRIGGER moved AFTER UPDATE ON customers BEGIN INSERT INTO notes (body) VALUES (old.email); END",
)


def attack(case: Case) -> object:
    with case.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("PRAGMA foreign_keys = ON"))
        return case.each(
            lambda: [
                connection.execute(text("DELETE FROM regions WHERE id = 1")),
                connection.execute(text("SELECT body FROM notes")).all(),
            ]
        )
