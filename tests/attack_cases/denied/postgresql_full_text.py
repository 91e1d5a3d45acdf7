"""Full text search makes words of the column, or finds rows by them."""

path = "JSON, arrays, XML, text search"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT to_tsvector('simple', email)::text FROM customers",
    "SELECT ts_headline('simple', email, to_tsquery('simple', 'email')) FROM customers",
    "SELECT id FROM customers WHERE to_tsvector('simple', email) @@ plainto_tsquery('simple', 'email')",
    "SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', email) FROM customers')",
    "SELECT id FROM customers ORDER BY ts_rank(to_tsvector('simple', email), to_tsquery('simple', 'email')), id",
)
refused = True
