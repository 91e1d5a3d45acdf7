"""A rule of the database adds a statement of its own to a harmless one."""

from tests.attack_cases.case import Case

path = "rules and row policies"
ends = "refused"
backends = ("postgresql",)
prepare = "CREATE RULE more AS ON UPDATE TO products DO ALSO INSERT INTO notes (body) SELECT email FROM customers"


def attack(case: Case) -> object:
    return case.each(
        lambda: [case.rows("UPDATE products SET price = 1 WHERE id = 1"), case.rows("SELECT body FROM notes")]
    )
