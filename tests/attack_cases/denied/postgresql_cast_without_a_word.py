"""A cast of the database that needs no word in the statement."""

path = "operators, casts, domains"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE TYPE shown AS (v text)",
    "CREATE TABLE boxes (content shown)",
    "CREATE FUNCTION to_shown(a integer) RETURNS shown LANGUAGE sql AS 'SELECT email FROM customers WHERE id = a'",
    "CREATE CAST (integer AS shown) WITH FUNCTION to_shown(integer) AS ASSIGNMENT",
)
sql = "INSERT INTO boxes (content) SELECT id FROM products RETURNING boxes.content"
