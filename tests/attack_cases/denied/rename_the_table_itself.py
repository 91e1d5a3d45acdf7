"""The table under a new name."""

from tests.attack_cases.case import Case

path = "RENAME, another schema, search_path"
ends = "refused"
hollow = "everything that looks afterwards would have to know the new name"


def attack(case: Case) -> object:
    case.rows("ALTER TABLE customers RENAME TO brochures")
    return case.rows("SELECT email FROM brochures")
