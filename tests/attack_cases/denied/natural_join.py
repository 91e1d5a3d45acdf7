"""A NATURAL join, and JOIN USING, compare columns that no one names."""

path = "NATURAL and USING joins"
ends = "refused"
refused = True
sql = (
    "SELECT a.id FROM customers AS a NATURAL JOIN customers AS b",
    "SELECT a.id FROM customers AS a JOIN customers AS b USING (email)",
    "SELECT a.id FROM customers AS a NATURAL JOIN (SELECT 'x' AS email) AS b",
)
