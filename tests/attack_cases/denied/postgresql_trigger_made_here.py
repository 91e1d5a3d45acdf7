"""A trigger function over the table, and the trigger that calls it."""

from tests.attack_cases.case import Case

path = "triggers on other tables"
ends = "refused"
backends = ("postgresql",)


def attack(case: Case) -> object:
    case.rows(
        "CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1); RETURN NEW; END $$"
    )
    case.rows("CREATE TRIGGER copy AFTER UPDATE ON products FOR EACH ROW EXECUTE FUNCTION copy()")
    case.rows("UPDATE products SET price = 1 WHERE id = 1")
    return case.rows("SELECT body FROM notes")
