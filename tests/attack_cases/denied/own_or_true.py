"""One's own key in a condition that lets others through."""

from tests.attack_cases.case import Case

path = "others' rows by a condition"
ends = "refused"
purposes = (None,)
STATEMENTS = (
    "SELECT email FROM customers WHERE id = :me OR 1 = 1",
    "SELECT email FROM customers WHERE NOT (id = :me)",
    "SELECT email FROM customers WHERE id = :me OR email LIKE '%'",
    "SELECT email FROM customers WHERE (id = :me) IS NOT NULL",
    "SELECT email FROM customers WHERE id + 0 = :me OR tier <> ''",
    "SELECT email FROM customers WHERE id >= :me",
    "SELECT email FROM customers WHERE CASE WHEN id = :me THEN 1 = 1 ELSE 2 = 2 END",
    "SELECT email FROM customers WHERE :me = :me",
    "SELECT amount FROM orders WHERE product_id = :me",
)


def attack(case: Case) -> object:
    with case.access("account", subject=2):
        return case.each_refused(*(lambda sql=sql: case.rows(sql, me=2) for sql in STATEMENTS))
