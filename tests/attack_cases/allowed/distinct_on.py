"""The cheapest product of each price band, by DISTINCT ON."""

backends = ("postgresql",)
sql = "SELECT DISTINCT ON (price > 25) title FROM products ORDER BY price > 25, price"
expect = [("Umbrella",), ("Lamp",)]
