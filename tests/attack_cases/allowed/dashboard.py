"""Counts, sums and shares over plain columns in one statement."""

sql = """
    SELECT p.title, count(o.id), sum(CASE WHEN o.status = 'open' THEN 1 ELSE 0 END), round(100.0 * count(o.id) / t.n)
    FROM products p LEFT JOIN orders o ON o.product_id = p.id CROSS JOIN (SELECT count(*) AS n FROM orders) AS t
    GROUP BY p.id, p.title, t.n HAVING count(o.id) > 0 ORDER BY 2 DESC, p.title
"""
expect = [("Lamp", 2, 1, 67), ("Umbrella", 1, 1, 33)]
