"""IN over a plain subquery."""

sql = "SELECT title FROM products WHERE id IN (SELECT product_id FROM orders WHERE status = 'sent')"
expect = [("Lamp",)]
