"""EXPLAIN ANALYZE runs the statement, and prints the constants it met."""

path = "EXPLAIN, EXPLAIN ANALYZE"
ends = "refused"
backends = ("postgresql",)
refused = True
sql = (
    "EXPLAIN ANALYZE UPDATE customers SET email = 'x' || id",
    "EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) SELECT id FROM customers WHERE email LIKE 'a%'",
    "EXPLAIN ANALYZE DELETE FROM customers",
    "EXPLAIN (ANALYZE true) SELECT email FROM customers",
)
hollow = "a plan shows estimates; the refusal is what counts"
