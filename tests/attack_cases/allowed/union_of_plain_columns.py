"""A UNION of plain columns."""

sql = "SELECT title FROM products UNION SELECT status FROM orders ORDER BY 1"
expect = [("Lamp",), ("Umbrella",), ("open",), ("sent",)]
backends = ("sqlite",)
