"""RETURNING, OR REPLACE, OR IGNORE and ON CONFLICT on SQLite."""

path = "upsert, excluded"
ends = "refused"
backends = ("sqlite",)
sql = (
    "UPDATE customers SET tier = tier RETURNING email",
    "UPDATE customers SET tier = tier RETURNING *",
    "DELETE FROM notes RETURNING (SELECT email FROM customers WHERE id = 1)",
    "INSERT OR IGNORE INTO notes (id, body) SELECT id + 60, email FROM customers",
    "INSERT OR REPLACE INTO notes (id, body) SELECT id, email FROM customers",
    "INSERT INTO notes (id, body) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET body = (SELECT email FROM customers LIMIT 1)",
    "INSERT INTO notes (id, body) SELECT id, email FROM customers WHERE true ON CONFLICT DO NOTHING",
    "REPLACE INTO notes (id, body) SELECT id, name || email FROM customers",
)
refused = True
