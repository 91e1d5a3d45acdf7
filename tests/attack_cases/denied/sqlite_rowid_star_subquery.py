"""A `*` inside a subquery, whose columns are then renamed."""

path = "*"
ends = "refused"
backends = ("sqlite",)
sql = (
    "SELECT x.e FROM (SELECT email AS e, * FROM customers) AS x",
    "WITH c(a, b, c, d, e, f, g, h, i, j, k, l, m) AS (SELECT * FROM customers) SELECT h FROM c",
)
