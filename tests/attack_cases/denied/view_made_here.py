"""Making a view over the table, then reading it."""

from tests.attack_cases.case import Case

path = "views, named anew or changed"
ends = "refused"


def attack(case: Case) -> object:
    case.rows("CREATE VIEW harmless AS SELECT email AS title FROM customers")
    return case.rows("SELECT title FROM harmless")
