"""A column alias list on the table itself moves harmless names onto personal columns."""

path = "column alias lists"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT tier FROM customers AS c(a, b, c, d, e, f, g, tier)",
    "SELECT x.id FROM customers AS x(k, l, m, n, o, p, q, id)",
    "SELECT q.tier FROM (SELECT email FROM customers) AS q(tier)",
    "SELECT tier FROM (VALUES (1)) AS v(one), LATERAL (SELECT email FROM customers) AS l(tier)",
)
