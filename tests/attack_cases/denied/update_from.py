"""UPDATE .. FROM takes the column over, or is led by it."""

path = "UPDATE FROM, MERGE"
ends = "refused"
sql = (
    "UPDATE notes SET body = c.email FROM customers AS c WHERE c.id = notes.id",
    "UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1)",
    "UPDATE products SET price = price FROM customers AS c WHERE c.email LIKE 'email-%' AND c.id = products.id",
    "UPDATE customers SET tier = email",
    "UPDATE customers SET email = name",
    "UPDATE customers SET tier = 'x' WHERE email LIKE 'email-%'",
)
refused = True
