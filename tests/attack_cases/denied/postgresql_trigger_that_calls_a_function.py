"""A trigger names nothing protected, and calls a function that does."""

from tests.attack_cases.case import Case

path = "triggers on other tables"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE FUNCTION first_mail() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers WHERE id = 1'",
    """CREATE FUNCTION titled() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.title := First_Mail(); RETURN NEW; END $$""",
    "CREATE TRIGGER titled BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION titled()",
)


def attack(case: Case) -> object:
    return case.each(lambda: case.rows("UPDATE products SET price = 1 WHERE id = 1 RETURNING title"))
