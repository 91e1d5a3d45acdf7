"""A text that names one's own key, in the table or in the one it joins."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import canary


def work(case: Case) -> object:
    with case.access("account", subject=2):
        return [
            case.rows("SELECT email FROM customers WHERE id = :me", me=2),
            case.rows("SELECT amount FROM orders WHERE customer_id = :me AND status = 'open'", me=2),
            case.rows(
                "SELECT c.name, o.amount FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.id = :me",
                me=2,
            ),
            case.rows("UPDATE customers SET phone = NULL WHERE id = :me", me=2),
        ]


expect = [
    [(canary("customers.email", 2),)],
    [(canary("orders.amount", 3),)],
    [(canary("customers.name", 2), canary("orders.amount", 3))],
    [],
]
