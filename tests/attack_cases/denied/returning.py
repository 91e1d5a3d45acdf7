"""RETURNING brings back columns that the statement does not write."""

from sqlalchemy import text

from tests.attack_cases.case import Case

path = "RETURNING"
ends = "refused"
sql = (
    "UPDATE customers SET tier = tier RETURNING email",
    "UPDATE customers SET tier = tier RETURNING *",
    "UPDATE customers SET tier = tier RETURNING id, upper(email) AS tier",
)


def attack(case: Case) -> object:
    with case.engine.begin() as connection:
        return connection.execute(text("DELETE FROM orders WHERE id = :id RETURNING gift_note"), {"id": 3}).all()
