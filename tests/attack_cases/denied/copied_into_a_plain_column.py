"""A personal column, even a covered one, written into a column that is nobody's."""

path = "a covered value copied to where nobody guards it"
ends = "refused"
sql = (
    "UPDATE customers SET tier = name",
    "INSERT INTO notes (body) SELECT address FROM customers",
    "UPDATE notes SET body = (SELECT name FROM customers WHERE id = 1)",
    "UPDATE notes SET body = 'x' || (SELECT min(address) FROM customers)",
    "UPDATE notes SET body = c.name FROM customers AS c WHERE c.id = notes.id",
    "INSERT INTO products (id, title, price) SELECT 100 + id, email, 1 FROM customers",
)
