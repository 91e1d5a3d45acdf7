"""A domain whose check looks at the table, so that a cast tells what stands there."""

path = "operators, casts, domains"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE FUNCTION in_use(a text) RETURNS boolean LANGUAGE sql AS 'SELECT a NOT IN (SELECT email FROM customers)'",
    "CREATE DOMAIN free_email AS text CHECK (in_use(value))",
)
sql = ("SELECT 'nobody@example.com'::free_email", "SELECT CAST('nobody@example.com' AS public.free_email)")
refused = True
