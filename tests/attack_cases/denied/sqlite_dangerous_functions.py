"""SQLite functions that read files, load code or reach pages of the database."""

path = "files, other databases, replication"
ends = "refused"
backends = ("sqlite",)
refused = True
hollow = "not every build of SQLite has these functions"
sql = (
    "SELECT load_extension('x')",
    "SELECT readfile('x')",
    "SELECT data FROM sqlite_dbpage",
    "SELECT * FROM dbstat",
    "SELECT fts3_tokenizer('x')",
)
