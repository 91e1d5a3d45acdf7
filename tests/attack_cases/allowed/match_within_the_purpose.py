"""A covered column in WHERE."""

sql = "SELECT id FROM customers WHERE name IS NOT NULL AND address IS NOT NULL ORDER BY id"
purposes = ("shipping",)
expect = [(1,), (2,), (3,)]
