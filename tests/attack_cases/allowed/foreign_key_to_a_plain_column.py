"""A table that no model knows, with foreign keys to keys that are nobody's."""

prepare = (
    "CREATE TABLE visits (id integer, customer integer REFERENCES customers (id), product integer REFERENCES products)",
    "INSERT INTO visits VALUES (1, 1, 2)",
)
sql = "SELECT v.customer, p.title FROM visits v JOIN products p ON p.id = v.product"
expect = [(1, "Lamp")]
