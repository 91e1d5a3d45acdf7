"""A trigger that the database has had all along reads the table when something harmless is written."""

from tests.attack_cases.case import Case

path = "triggers on other tables"
ends = "refused"
backends = ("postgresql",)
prepare = (
    """CREATE FUNCTION copied() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.title := (SELECT email FROM customers WHERE id = NEW.id); RETURN NEW; END $$""",
    "CREATE TRIGGER copied BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION copied()",
)


def attack(case: Case) -> object:
    return case.each(
        lambda: case.rows("UPDATE products SET price = 1 WHERE id = 1 RETURNING title"),
        lambda: case.rows(
            "UPDATE products SET price = 2 WHERE price = (SELECT max(price) FROM products) RETURNING title"
        ),
    )
