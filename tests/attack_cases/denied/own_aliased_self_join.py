"""A second mention of the table, beside the one that is one's own."""

from tests.attack_cases.case import Case

path = "others' rows by a join or subquery"
ends = "refused"
purposes = (None,)
STATEMENTS = (
    "SELECT b.email FROM customers AS a JOIN customers AS b ON a.id <> b.id WHERE a.id = :me",
    "SELECT b.email FROM customers AS a, customers AS b WHERE a.id = :me",
    "SELECT b.email FROM customers AS a LEFT JOIN customers AS b ON b.tier = 'gold' WHERE a.id = :me",
    "SELECT b.email FROM customers AS b LEFT JOIN customers AS a ON a.id = :me AND b.id = a.id",
    "SELECT b.email FROM customers AS a RIGHT JOIN customers AS b ON b.id = a.id AND a.id = :me",
    "WITH c AS (SELECT id, email FROM customers) SELECT a.id, b.email FROM c AS a, c AS b WHERE a.id = :me",
    "WITH c AS (SELECT id, email FROM customers) SELECT b.id, b.email FROM c AS b WHERE EXISTS (SELECT 1 FROM c WHERE c.id = :me)",
    "SELECT (SELECT max(b.email) FROM customers AS b) FROM customers AS a WHERE a.id = :me",
)


def attack(case: Case) -> object:
    with case.access("account", subject=2):
        return case.each_refused(*(lambda sql=sql: case.rows(sql, me=2) for sql in STATEMENTS))
