"""EXPLAIN prints the constants it met, and names what the statement names."""

path = "EXPLAIN, EXPLAIN ANALYZE"
ends = "refused"
backends = ("sqlite",)
refused = True
sql = (
    "EXPLAIN SELECT email FROM customers",
    "EXPLAIN QUERY PLAN SELECT id FROM customers WHERE email = 'x'",
)
