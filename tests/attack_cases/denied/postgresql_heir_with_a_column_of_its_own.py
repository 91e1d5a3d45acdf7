"""A child of the table, and of another one, generates a column of its own from the one it inherits."""

path = "materialized views, partitions, heirs"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE TABLE plain_parent (colour text)",
    "CREATE TABLE heirs (shown varchar(200) GENERATED ALWAYS AS (email || '!') STORED) INHERITS (plain_parent, customers)",
    "INSERT INTO heirs (id, kind, tier, name, email) SELECT id + 10, kind, tier, name, email FROM customers",
)
sql = (
    "SELECT shown FROM heirs",
    "SELECT h.email FROM heirs AS h",
    "SELECT count(*) FROM heirs WHERE shown LIKE 'email-%'",
)
refused = True
