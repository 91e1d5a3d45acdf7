"""A trigger on the table itself, made by its owner, keeps its values in a plain table."""

from tests.attack_cases.case import Case

path = "triggers on the table itself"
ends = "refused"
backends = ("sqlite",)
purposes = ("everything",)
prepare = (
    "CREATE TRIGGER audited AFTER UPDATE OF name ON customers BEGIN "
    "INSERT INTO notes (body) VALUES (old.email || new.name); END"
)


def attack(case: Case) -> object:
    case.rows("UPDATE customers SET name = name WHERE id = 1")
    with case.access("shipping"):
        return case.rows("SELECT body FROM notes")
