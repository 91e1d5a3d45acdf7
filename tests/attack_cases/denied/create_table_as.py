"""CREATE TABLE AS copies the rows into a table of nobody's."""

from tests.attack_cases.case import Case

path = "CREATE TABLE AS, SELECT INTO"
ends = "refused"


def attack(case: Case) -> object:
    case.rows("CREATE TABLE loot AS SELECT id, email FROM customers")
    return case.rows("SELECT * FROM loot")
