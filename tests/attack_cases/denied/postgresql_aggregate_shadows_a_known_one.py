"""An aggregate of the database with the name of a built-in one."""

path = "functions, aggregates, procedures"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE FUNCTION leak(a text, b varchar) RETURNS text LANGUAGE sql AS 'SELECT email FROM customers LIMIT 1'",
    "CREATE AGGREGATE public.max (varchar) (sfunc = leak, stype = text)",
)
sql = (
    "SELECT max(title) FROM products",
    "SELECT max(title) OVER () FROM products",
    "SELECT id FROM products GROUP BY id ORDER BY max(title), (SELECT max(title) FROM products) LIMIT 1",
)
refused = True
