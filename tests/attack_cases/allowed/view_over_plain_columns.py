"""A view that shows nothing personal."""

prepare = "CREATE VIEW shelf AS SELECT title, price FROM products"
sql = "SELECT title FROM shelf ORDER BY title"
expect = [("Lamp",), ("Umbrella",)]
