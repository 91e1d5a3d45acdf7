"""People counted by a plain column."""

sql = "SELECT tier, count(*) FROM customers GROUP BY tier ORDER BY tier"
expect = [("basic", 1), ("gold", 2)]
