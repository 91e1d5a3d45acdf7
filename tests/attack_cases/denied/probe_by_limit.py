"""How many rows come is made to depend on a value."""

path = "LIMIT"
ends = "refused"
refused = True
sql = (
    "SELECT id FROM products LIMIT (SELECT count(*) FROM customers WHERE email LIKE '%a%')",
    "SELECT id FROM products LIMIT 1 OFFSET (SELECT count(points) FROM customers)",
)
