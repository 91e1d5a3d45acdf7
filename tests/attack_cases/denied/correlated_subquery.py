"""The column in a scalar subquery, a CASE, a function, an ordering, a lateral join."""

path = "subqueries, CASE, LATERAL, CTE"
ends = "refused"
sql = (
    "SELECT (SELECT email FROM customers WHERE id = p.id) FROM products AS p",
    "SELECT CASE WHEN p.id = 1 THEN (SELECT max(email) FROM customers) END FROM products AS p",
    "SELECT coalesce(NULL, (SELECT min(c.email) FROM customers AS c))",
    "SELECT title || (SELECT email FROM customers WHERE id = 1) FROM products",
    "WITH c AS (SELECT email AS x FROM customers) SELECT (SELECT max(x) FROM c) FROM products",
    "SELECT o.status, (SELECT c.email) FROM orders o JOIN customers c ON c.id = o.customer_id",
)
