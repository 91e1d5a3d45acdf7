"""Functions, operators and casts that come with an extension are no hindrance."""

from tests.attack_cases.case import Case

backends = ("postgresql",)


def work(case: Case) -> object:
    case.admin_rows("CREATE EXTENSION IF NOT EXISTS citext")
    return case.rows("SELECT title FROM products WHERE title::citext = 'LAMP' AND lower(title) LIKE 'la%'")


expect = [("Lamp",)]
