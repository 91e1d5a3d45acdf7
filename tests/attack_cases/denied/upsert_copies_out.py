"""ON CONFLICT DO UPDATE writes the column into a plain one."""

path = "upsert, excluded"
ends = "refused"
sql = (
    (
        "INSERT INTO customers (id, kind, tier, name, email) VALUES (1, 'customer', 'x', '', '') "
        "ON CONFLICT (id) DO UPDATE SET tier = customers.name RETURNING tier"
    ),
    (
        "INSERT INTO notes (id, body) VALUES (1, '') "
        "ON CONFLICT (id) DO UPDATE SET body = (SELECT email FROM customers WHERE id = 1)"
    ),
)
