"""The order of rows tells which value is larger."""

path = "ORDER BY"
ends = "refused"
refused = True
sql = (
    "SELECT id FROM customers ORDER BY points",
    "SELECT id FROM customers ORDER BY 1, email DESC",
    "SELECT id, row_number() OVER (ORDER BY points) FROM customers",
    "SELECT id, rank() OVER w FROM customers WINDOW w AS (PARTITION BY tier ORDER BY birthday)",
    "SELECT c.id FROM customers AS c ORDER BY (SELECT count(*) FROM customers AS d WHERE d.points < c.points)",
    "SELECT id FROM customers ORDER BY CASE WHEN email LIKE 'a%' THEN 0 ELSE 1 END LIMIT 1",
)
