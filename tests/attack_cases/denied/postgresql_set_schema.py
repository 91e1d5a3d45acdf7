"""The table moved into another schema, where nobody knows it."""

from tests.attack_cases.case import Case

path = "RENAME, another schema, search_path"
ends = "refused"
backends = ("postgresql",)
prepare = "CREATE SCHEMA attic"
hollow = "everything that looks afterwards would have to know the new name"


def attack(case: Case) -> object:
    case.rows("ALTER TABLE customers SET SCHEMA attic")
    return case.rows("SELECT email FROM attic.customers")
