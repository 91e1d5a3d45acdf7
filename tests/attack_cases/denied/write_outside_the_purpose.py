"""Writing what the purpose does not cover, alone and beside what it does."""

path = "INSERT, UPDATE as SQL"
ends = "refused"
sql = (
    "UPDATE customers SET email = 'x' || id",
    "UPDATE customers SET points = points + 1",
    "UPDATE customers SET name = name, email = 'y' || id",
    "INSERT INTO customers (id, kind, tier, name, email) VALUES (50, 'customer', 'x', 'n', 'e')",
    "INSERT INTO orders (id, customer_id, status, amount) VALUES (50, 1, 'open', 7)",
    "INSERT INTO orders SELECT id + 60, customer_id, product_id, status, amount, gift_note FROM orders",
    "UPDATE orders SET amount = 0 WHERE id = 1",
)
