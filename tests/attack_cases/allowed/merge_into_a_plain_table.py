"""MERGE of a list of values into a plain table."""

from tests.attack_cases.case import Case

backends = ("postgresql",)


def work(case: Case) -> object:
    case.rows(
        "MERGE INTO products p USING (VALUES (2, 'Lamp', 36), (9, 'Kite', 5)) AS n (id, title, price) ON p.id = n.id "
        "WHEN MATCHED THEN UPDATE SET price = n.price "
        "WHEN NOT MATCHED THEN INSERT (id, title, price) VALUES (n.id, n.title, n.price)"
    )
    found = case.rows("SELECT title, price FROM products WHERE id > 1 ORDER BY id")
    case.rows("DELETE FROM products WHERE id = 9")
    return found


expect = [("Lamp", 36), ("Kite", 5)]
