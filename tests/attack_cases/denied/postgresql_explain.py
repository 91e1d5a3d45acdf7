"""EXPLAIN tells from its estimates and filters what stands in the column."""

path = "EXPLAIN, EXPLAIN ANALYZE"
ends = "refused"
backends = ("postgresql",)
sql = (
    "EXPLAIN SELECT id FROM customers WHERE email = 'x'",
    "EXPLAIN (FORMAT JSON) SELECT email FROM customers",
    "EXPLAIN VERBOSE UPDATE notes SET body = (SELECT email FROM customers LIMIT 1)",
    "EXPLAIN (ANALYZE) SELECT id FROM customers WHERE points > 5",
)
refused = True
