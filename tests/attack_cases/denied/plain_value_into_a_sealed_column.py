"""A value that nobody sealed is put into a sealed column that the purpose may write."""

path = "a plain value into a sealed column"
ends = "refused"
purposes = ("everything",)
refused = True
sql = (
    "UPDATE customers SET phone = '12345' WHERE id = 1",
    "UPDATE customers SET phone = tier WHERE id = 1",
    (
        "INSERT INTO customers (id, kind, tier, name, email, phone) "
        "VALUES (50, 'customer', 'x', 'n', 'e', NULL), (51, 'customer', 'x', 'n', 'f', '12345')"
    ),
)
