"""An outer join of plain columns."""

sql = "SELECT p.title, o.status FROM products p LEFT JOIN orders o ON o.product_id = p.id AND o.status = 'sent' ORDER BY p.id"
expect = [("Umbrella", None), ("Lamp", "sent")]
