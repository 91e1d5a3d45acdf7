"""Rows that go with another one, from a table whose trigger keeps to its own row."""

from tests.attack_cases.case import Case

backends = ("postgresql",)
prepare = (
    "ALTER TABLE notes ADD COLUMN product_id integer REFERENCES products ON DELETE SET NULL",
    """CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.body := 'without'; RETURN NEW; END $$""",
    "CREATE TRIGGER changed BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION changed()",
    "INSERT INTO products (id, title, price) VALUES (50, 'Hat', 1)",
    "INSERT INTO notes (id, body, product_id) VALUES (50, 'with', 50)",
)


def work(case: Case) -> object:
    case.rows("DELETE FROM products WHERE id = 50")
    return case.rows("SELECT body FROM notes WHERE id = 50")


expect = [("without",)]
