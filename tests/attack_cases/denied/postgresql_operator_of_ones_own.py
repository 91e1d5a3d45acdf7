"""An operator of the database that fits its operands better than PostgreSQL's."""

path = "operators, casts, domains"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE FUNCTION leak(a varchar, b varchar) RETURNS text LANGUAGE sql AS 'SELECT email FROM customers LIMIT 1'",
    "CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = leak)",
    "CREATE OPERATOR ~~ (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = leak)",
)
sql = (
    "SELECT title = title FROM products",
    "SELECT title LIKE title FROM products",
    "SELECT shown FROM (SELECT title = title AS shown FROM products) AS x",
)
