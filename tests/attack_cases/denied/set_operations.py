"""The column as one arm of a UNION, INTERSECT or EXCEPT."""

path = "set operations"
ends = "refused"
sql = (
    "SELECT title FROM products UNION ALL SELECT email FROM customers",
    "SELECT title FROM products UNION SELECT email FROM customers",
    "SELECT email FROM customers EXCEPT SELECT title FROM products",
    "SELECT title FROM (SELECT title FROM products UNION ALL SELECT email FROM customers) AS u",
    "WITH RECURSIVE r(x) AS (SELECT title FROM products UNION ALL SELECT email FROM customers) SELECT x FROM r",
)
