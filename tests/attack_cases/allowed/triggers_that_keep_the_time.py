"""A table whose trigger only looks at its own row is written as ever."""

from tests.attack_cases.case import Case

backends = ("postgresql",)
prepare = (
    """CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.price := NEW.price + 1; RETURN NEW; END $$""",
    "CREATE TRIGGER touched BEFORE UPDATE ON products FOR EACH ROW EXECUTE FUNCTION touched()",
    "CREATE FUNCTION helper(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a'",
)


def work(case: Case) -> object:
    return case.rows("UPDATE products SET title = 'Umbrella' WHERE id = 1 RETURNING lower(title), price")


expect = [("umbrella", 21)]
