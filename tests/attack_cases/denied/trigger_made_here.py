"""A trigger that copies the column whenever something harmless happens."""

from tests.attack_cases.case import Case

path = "triggers on other tables"
ends = "refused"
backends = ("sqlite",)


def attack(case: Case) -> object:
    case.rows(
        "CREATE TRIGGER copy AFTER UPDATE ON products BEGIN "
        "UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1); END"
    )
    case.rows("UPDATE products SET price = 1 WHERE id = 1")
    return case.rows("SELECT body FROM notes")
