"""A harmless statement with a second one behind it."""

path = "several statements in one string"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT 1; UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1)",
    "SELECT id FROM products;;; UPDATE customers SET email = 'gone' WHERE id = 1;",
    "SELECT ';'; UPDATE customers SET points = 0 --",
    "SELECT 1; SELECT email FROM customers",
)
refused = True
