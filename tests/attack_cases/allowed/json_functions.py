"""JSON functions over a plain column."""

backends = ("sqlite",)
sql = "SELECT json_extract(attributes, '$.colour') FROM products ORDER BY id"
expect = [("red",), ("blue",)]
