"""A row goes with another one, and a trigger of its table copies the column."""

from tests.attack_cases.case import Case

path = "triggers on other tables"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "ALTER TABLE notes ADD COLUMN product_id integer REFERENCES products ON DELETE CASCADE",
    """CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN UPDATE products SET title = (SELECT email FROM customers WHERE id = 1) WHERE id = 2; RETURN NULL; END $$""",
    "CREATE TRIGGER gone AFTER DELETE ON notes FOR EACH ROW EXECUTE FUNCTION gone()",
    "INSERT INTO products (id, title, price) VALUES (50, 'Hat', 1)",
    "INSERT INTO notes (id, body, product_id) VALUES (50, 'y', 50)",
)


def attack(case: Case) -> object:
    return case.each(
        lambda: [
            case.rows("DELETE FROM products WHERE id = 50"),
            case.rows("SELECT title FROM products"),
        ]
    )
