"""Full text search over titles, ranked."""

backends = ("postgresql",)
sql = """
    SELECT title, ts_rank(to_tsvector('english', title), q) > 0
    FROM products, plainto_tsquery('english', 'lamps') AS q
    WHERE to_tsvector('english', title) @@ q
"""
expect = [("Lamp", True)]
