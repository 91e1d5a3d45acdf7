"""Logical replication would carry the rows away."""

path = "files, other databases, replication"
ends = "refused"
backends = ("postgresql",)
refused = True
hollow = "the rows would go to another server"
sql = (
    # "out" need not be there: the refusal comes first
    "CREATE PUBLICATION out FOR TABLE customers",
    "CREATE PUBLICATION out FOR ALL TABLES",
    "ALTER PUBLICATION out ADD TABLE customers",
)
