"""Row values compared or spread over columns."""

path = "row values, whole rows"
ends = "refused"
sql = (
    "SELECT id FROM customers WHERE (email, id) > ('a', 1)",
    "SELECT id FROM customers WHERE (id, email) IN (SELECT id, email FROM customers)",
    "UPDATE notes SET (id, body) = (SELECT id + 70, email FROM customers WHERE id = 1)",
    "SELECT id FROM products WHERE (id, title) IN (SELECT id, email FROM customers)",
)
refused = True
