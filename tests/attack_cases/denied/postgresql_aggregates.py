"""Aggregates that order, filter or sort within their group."""

path = "windows, filters, aggregates"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT array_agg(email ORDER BY id) FROM customers",
    "SELECT string_agg(email, ',' ORDER BY id DESC) FROM customers",
    "SELECT max(email) FILTER (WHERE id = 1) FROM customers",
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY points) FROM customers",
    "SELECT mode() WITHIN GROUP (ORDER BY email) FROM customers",
    "SELECT email, count(*) FROM customers GROUP BY ROLLUP (email)",
    "SELECT email, tier FROM customers GROUP BY GROUPING SETS ((email), (tier))",
    "SELECT email, tier FROM customers GROUP BY CUBE (1, 2)",
    "SELECT json_object_agg(id, email) FROM customers",
    "SELECT (array_agg(email))[1:2] FROM customers",
    "SELECT DISTINCT ON (tier) tier, email FROM customers",
)
