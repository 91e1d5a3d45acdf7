"""One row at a time, in an order that says something, with one's own key beside it."""

from tests.attack_cases.case import Case

path = "others' rows by a condition"
ends = "refused"
purposes = (None,)
STATEMENTS = (
    "SELECT id, email FROM customers ORDER BY id LIMIT 1",
    "SELECT id, email FROM customers ORDER BY id LIMIT 1 OFFSET :me",
    "SELECT id, name FROM customers ORDER BY email",
    "SELECT email FROM customers ORDER BY id = :me LIMIT 1",
    "SELECT email FROM customers GROUP BY id, email HAVING id = :me OR count(*) > 0",
    "SELECT max(email) FROM customers GROUP BY tier",
)


def attack(case: Case) -> object:
    with case.access("account", subject=2):
        return case.each_refused(*(lambda sql=sql: case.rows(sql, me=2) for sql in STATEMENTS))
