"""LIMIT and OFFSET."""

sql = "SELECT title FROM products ORDER BY id LIMIT 1 OFFSET 1"
expect = [("Lamp",)]
