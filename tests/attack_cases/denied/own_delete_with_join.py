"""Deletes others' orders by way of a table that is one's own."""

from tests.attack_cases.case import Case

path = "others' rows by a join or subquery"
ends = "refused"
purposes = (None,)
hollow = "what is lost does not come back as a value"
STATEMENTS = {
    "sqlite": (
        "DELETE FROM orders WHERE EXISTS (SELECT 1 FROM customers WHERE id = :me)",
        "DELETE FROM orders WHERE customer_id <> :me",
        "DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE customer_id = :me) OR id = 1",
        "DELETE FROM orders WHERE product_id IN (SELECT product_id FROM orders WHERE customer_id = :me)",
    ),
    "postgresql": (
        "DELETE FROM orders USING customers WHERE customers.id = :me",
        "DELETE FROM orders USING orders AS o WHERE o.customer_id = :me",
        "DELETE FROM orders USING customers WHERE customers.id = :me AND orders.customer_id <> customers.id",
        "WITH gone AS (DELETE FROM orders RETURNING customer_id) SELECT customer_id FROM gone WHERE customer_id = :me",
    ),
}


def attack(case: Case) -> object:
    with case.access("account", subject=2):
        return case.each_refused(*(lambda sql=sql: case.rows(sql, me=2) for sql in STATEMENTS[case.backend]))
