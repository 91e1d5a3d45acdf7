"""Other stores of the server: large objects, dblink, the log, notifications."""

path = "files, other databases, replication"
ends = "refused"
backends = ("postgresql",)
refused = True
hollow = "not every server has these"
sql = (
    "SELECT dblink('dbname=postgres', 'SELECT 1')",
    "SELECT lo_from_bytea(0, convert_to((SELECT min(email) FROM customers), 'utf8'))",
    "SELECT pg_notify('channel', (SELECT min(email) FROM customers))",
    "SELECT set_config('my.var', (SELECT min(email) FROM customers), false)",
    "SELECT pg_logical_emit_message(false, 'x', (SELECT min(email) FROM customers))",
)
