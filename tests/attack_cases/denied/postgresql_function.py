"""A function of the database that reads the table, called in every place a function may stand."""

path = "functions, aggregates, procedures"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE FUNCTION newsletter() RETURNS SETOF text LANGUAGE sql AS 'SELECT email FROM customers'",
    "CREATE FUNCTION first_one() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers ORDER BY id LIMIT 1'",
    "CREATE FUNCTION plus(a integer, b text) RETURNS text LANGUAGE sql AS 'SELECT email FROM customers WHERE id = a'",
    "CREATE OPERATOR <-+-> (LEFTARG = integer, RIGHTARG = text, FUNCTION = plus)",
)
sql = (
    "SELECT newsletter()",
    "SELECT * FROM newsletter()",
    "SELECT n.title FROM products, newsletter() AS n(title)",
    "SELECT title FROM ROWS FROM (newsletter()) AS n(title)",
    "SELECT public.first_one()",
    "SELECT 1 <-+-> 'x'",
    "SELECT 1 OPERATOR(public.<-+->) 'x'",
    "SELECT coalesce(first_one(), '')",
    "INSERT INTO notes (body) VALUES (first_one()) RETURNING body",
    "SELECT title FROM products ORDER BY 1 LIMIT (SELECT length(first_one())) ",
)
refused = True
