"""Orders that wait, with the tier of who made them, by EXISTS and NOT EXISTS."""

sql = (
    "SELECT o.id, c.tier FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'open' ORDER BY o.id",
    """SELECT o.id, (SELECT tier FROM customers WHERE id = o.customer_id) FROM orders o
    WHERE NOT EXISTS (SELECT 1 FROM orders AS x WHERE x.id = o.id AND x.status <> 'open') ORDER BY 1""",
)
expect = [(1, "gold"), (3, "basic")]
