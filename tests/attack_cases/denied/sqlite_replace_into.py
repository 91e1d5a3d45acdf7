"""REPLACE INTO copies, and deletes what stood there."""

path = "upsert, excluded"
ends = "refused"
backends = ("sqlite",)
sql = (
    "REPLACE INTO notes (id, body) SELECT id, name FROM customers",
    "INSERT OR REPLACE INTO notes (id, body) SELECT id, email FROM customers",
    "INSERT OR REPLACE INTO customers (id, kind, tier, name, email) VALUES (1, 'customer', 'x', 'n', 'e')",
)
