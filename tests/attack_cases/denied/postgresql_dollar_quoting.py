"""Dollar-quoted and escaped strings that end elsewhere than they seem to."""

path = "comments and odd quoting"
ends = "refused"
backends = ("postgresql",)
sql = (
    r"SELECT E'\'', email, E'\'' FROM customers",
    "SELECT $a$ $b$ $a$, email, $c$'$c$ FROM customers",
    "SELECT '''', email FROM customers --'",
    "SELECT '/*', email, '*/' FROM customers",
    "SELECT /* /* */ 'x', */ email FROM customers",
    "SELECT 'a'\n'b', email FROM customers",
)
