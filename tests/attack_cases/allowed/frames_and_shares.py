"""Moving sums and ranks over plain columns."""

sql = """
    SELECT id, sum(price) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), rank() OVER w
    FROM products WINDOW w AS (ORDER BY price DESC) ORDER BY id
"""
expect = [(1, 20, 2), (2, 55, 1)]
