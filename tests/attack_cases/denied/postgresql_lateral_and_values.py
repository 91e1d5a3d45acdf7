"""LATERAL, VALUES and table functions carry the column along."""

path = "subqueries, CASE, LATERAL, CTE"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT x.v FROM customers c, LATERAL (SELECT c.email AS v) AS x",
    "SELECT x.v FROM customers c CROSS JOIN LATERAL (VALUES (c.email), (c.name)) AS x (v)",
    "SELECT w FROM customers c, regexp_split_to_table(c.email, '-') AS w",
    "SELECT u FROM customers c, LATERAL unnest(ARRAY[c.email]) AS u",
    "SELECT p.title, x.v FROM products p LEFT JOIN LATERAL (SELECT max(email) AS v FROM customers) AS x ON true",
    "SELECT c.email, n FROM customers c, generate_series(1, 2) AS n",
    "SELECT j.value FROM customers c, json_each_text(row_to_json(c)) AS j",
    "VALUES ((SELECT email FROM customers WHERE id = 1))",
)
