"""Deleting people is a verb of its own."""

path = "DELETE, TRUNCATE"
ends = "refused"
sql = (
    "DELETE FROM vips",
    "DELETE FROM orders WHERE id = 3",
    "DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE tier = 'basic')",
)
