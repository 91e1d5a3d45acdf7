"""Ordinary scalar functions."""

sql = "SELECT coalesce(lower(title), ''), CAST(price AS TEXT) FROM products ORDER BY id"
expect = [("umbrella", "20"), ("lamp", "35")]
