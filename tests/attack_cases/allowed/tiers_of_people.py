"""How many people there are of each tier, with a running total."""

sql = """
    WITH tiers AS (SELECT tier, count(*) AS n FROM customers GROUP BY tier)
    SELECT tier, n, sum(n) OVER (ORDER BY tier) FROM tiers ORDER BY tier
"""
expect = [("basic", 1, 1), ("gold", 2, 3)]
