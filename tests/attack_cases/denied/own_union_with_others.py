"""One's own rows, and those of all others behind UNION."""

from tests.attack_cases.case import Case

path = "others' rows by a join or subquery"
ends = "refused"
purposes = (None,)
STATEMENTS = (
    "SELECT email FROM customers WHERE id = :me UNION SELECT email FROM customers",
    "SELECT email FROM customers WHERE id = :me UNION ALL SELECT email FROM customers WHERE id <> :me",
    "SELECT name FROM customers EXCEPT SELECT name FROM customers WHERE id = :me",
    "SELECT * FROM (SELECT id, name FROM customers WHERE id = :me UNION ALL SELECT :me, name FROM customers) AS found",
    "SELECT amount FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE id = :me UNION ALL SELECT id FROM customers)",
)


def attack(case: Case) -> object:
    with case.access("account", subject=2):
        return case.each_refused(*(lambda sql=sql: case.rows(sql, me=2) for sql in STATEMENTS))
