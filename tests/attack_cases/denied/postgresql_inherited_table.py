"""A table that inherits from the personal one, read by its own name."""

path = "materialized views, partitions, heirs"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE TABLE archive () INHERITS (customers)",
    "INSERT INTO archive (id, kind, tier, name, email) SELECT 900 + id, kind, tier, '', '' FROM customers",
)
sql = ("SELECT email FROM archive", "SELECT * FROM ONLY customers", "SELECT email FROM customers*")
refused = True
