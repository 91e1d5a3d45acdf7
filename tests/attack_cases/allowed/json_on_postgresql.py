"""JSON operators and functions over a plain column."""

backends = ("postgresql",)
sql = (
    "SELECT attributes ->> 'colour' FROM products ORDER BY id",
    "SELECT e.value #>> '{}' FROM products p, json_each(p.attributes) AS e WHERE e.key = 'colour' ORDER BY p.id",
    "SELECT json_build_object('c', attributes -> 'colour') #>> '{c}' FROM products ORDER BY id",
)
expect = [("red",), ("blue",)]
