"""A cast that fails quotes the value it could not read."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.attack_cases.case import Case

path = "error messages"
ends = "refused"
backends = ("postgresql",)
hollow = "errors are scrubbed also where nothing is refused"


def attack(case: Case) -> object:
    loot: list[object] = []
    for sql in (
        "SELECT 1 FROM customers WHERE CAST(email AS integer) = 1",
        "SELECT CAST((SELECT email FROM customers WHERE id = 1) AS date)",
        "UPDATE customers SET tier = email || repeat('x', 30)",
    ):
        try:
            case.rows(sql)
        except DBAPIError as error:
            loot += [error, str(error.orig), vars(error.orig)]
    with case.admin.connect() as connection:  # the attack itself is sound: this is what the database says
        try:
            connection.execute(text("SELECT CAST(email AS integer) FROM customers"))
        except DBAPIError as error:
            assert "email-" in str(error)
    return loot
