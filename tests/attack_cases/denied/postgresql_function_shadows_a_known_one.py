"""A function of the database with the name of a harmless built-in one."""

path = "functions, aggregates, procedures"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE FUNCTION public.lower(a integer) RETURNS text LANGUAGE sql AS 'SELECT email FROM customers WHERE id = a'"
)
sql = ("SELECT lower(1)", "SELECT public.lower(1)", 'SELECT "lower"(id) FROM products')
