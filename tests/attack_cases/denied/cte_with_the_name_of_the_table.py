"""A CTE that hides the table behind its own name, or a harmless one behind the table's."""

path = "names that hide other names"
ends = "refused"
sql = (
    "WITH products AS (SELECT email AS title FROM customers) SELECT title FROM products",
    "WITH x AS (SELECT * FROM (SELECT email AS e FROM customers) AS y) SELECT e FROM x",
)
