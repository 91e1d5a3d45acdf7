"""A whole row, named by its table or alias, carries all its columns."""

path = "row values, whole rows"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT customers FROM customers",
    "SELECT c FROM customers AS c",
    "SELECT c::text FROM customers c",
    "SELECT row_to_json(c) FROM customers c",
    "SELECT to_jsonb(c) ->> 'email' FROM customers c",
    "SELECT (c).email FROM customers c",
    "SELECT c.* FROM customers c",
    "SELECT array_agg(c) FROM customers c",
    "SELECT json_agg(x) FROM (SELECT * FROM customers) AS x",
    "SELECT row(c.*)::text FROM customers c",
    "SELECT (SELECT x FROM (SELECT c.*) AS x)::text FROM customers c",
    "SELECT string_agg(c::text, ';') FROM customers c",
    "SELECT email(c) FROM customers c",
    "SELECT c.customers FROM (SELECT customers FROM customers) AS c",
)
