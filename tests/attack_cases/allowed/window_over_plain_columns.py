"""A window function over plain columns."""

sql = "SELECT title, row_number() OVER (ORDER BY price DESC) FROM products ORDER BY title"
expect = [("Lamp", 1), ("Umbrella", 2)]
