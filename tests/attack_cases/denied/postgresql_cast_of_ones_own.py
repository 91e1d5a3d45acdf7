"""A cast of the database that runs a function over the table."""

path = "operators, casts, domains"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE TYPE shown AS (v text)",
    "CREATE FUNCTION to_shown(a integer) RETURNS shown LANGUAGE sql AS 'SELECT email FROM customers WHERE id = a'",
    "CREATE CAST (integer AS shown) WITH FUNCTION to_shown(integer)",
)
sql = (
    "SELECT (1::shown)::text",
    "SELECT CAST(id AS shown)::text FROM products",
    "SELECT (1::public.shown)::text",
)
