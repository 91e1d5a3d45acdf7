"""Plain columns of a table with personal ones."""

sql = "SELECT id, tier FROM customers ORDER BY id"
expect = [(1, "gold"), (2, "basic"), (3, "gold")]
