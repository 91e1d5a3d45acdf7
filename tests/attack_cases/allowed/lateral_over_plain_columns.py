"""The latest orders of each status, by LATERAL."""

backends = ("postgresql",)
sql = """
    SELECT s.status, last.id FROM (SELECT DISTINCT status FROM orders) AS s
    CROSS JOIN LATERAL (SELECT o.id FROM orders o WHERE o.status = s.status ORDER BY o.id DESC LIMIT 1) AS last
    ORDER BY 1
"""
expect = [("open", 3), ("sent", 2)]
