"""A renamed table, or column, is not known any more."""

from tests.attack_cases.case import Case

path = "RENAME, another schema, search_path"
ends = "refused"
hollow = "everything that looks afterwards would have to know the new name"


def attack(case: Case) -> object:
    case.rows("ALTER TABLE customers RENAME COLUMN email TO title")
    return case.rows("SELECT title FROM customers")
