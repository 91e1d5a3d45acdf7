"""A materialized view holds the rows themselves."""

path = "materialized views, partitions, heirs"
ends = "refused"
backends = ("postgresql",)
prepare = "CREATE MATERIALIZED VIEW kept AS SELECT id, email AS title FROM customers WHERE id < 0"
sql = (
    "SELECT title FROM kept",
    "CREATE MATERIALIZED VIEW kept2 AS SELECT email AS title FROM customers",
)
refused = True
hollow = "the view is empty, so that it does not itself spread what it shows"
