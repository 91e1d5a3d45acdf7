"""One's own key where only a reader of the text, not the database, sees a condition."""

from tests.attack_cases.case import Case

path = "others' rows by a condition"
ends = "refused"
purposes = (None,)
STATEMENTS = (
    "SELECT email FROM customers /* WHERE id = 2 */ WHERE :me = 2",
    "SELECT email FROM customers WHERE 1 = 1 -- AND id = 2\n AND :me = 2",
    "SELECT email FROM customers WHERE 'id = 2' = 'id = 2' AND :me = 2",
    'SELECT email FROM customers AS "customers WHERE id = 2" WHERE :me = 2',
    "SELECT email FROM (SELECT email, :me AS id FROM customers) AS customers WHERE id = :me",
    "SELECT email FROM (SELECT email, tier, 2 AS id FROM customers) AS customers WHERE customers.id = :me",
)


def attack(case: Case) -> object:
    with case.access("account", subject=2):
        return case.each_refused(*(lambda sql=sql: case.rows(sql, me=2) for sql in STATEMENTS))
