"""The column is sent to whoever listens."""

path = "files, other databases, replication"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT pg_notify('news', email) FROM customers",
    "SELECT pg_notify('news', (SELECT email FROM customers WHERE id = 1))",
)
refused = True
