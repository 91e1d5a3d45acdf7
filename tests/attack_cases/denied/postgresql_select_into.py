"""SELECT INTO is CREATE TABLE AS in another word."""

from tests.attack_cases.case import Case

path = "CREATE TABLE AS, SELECT INTO"
ends = "refused"
backends = ("postgresql",)


def attack(case: Case) -> object:
    case.rows("SELECT email AS title INTO loot FROM customers")
    return case.rows("SELECT title FROM loot")
