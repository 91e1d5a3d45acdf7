"""A full text table that the database has had all along keeps words of the column."""

path = "modules and search tables"
ends = "refused"
backends = ("sqlite",)
prepare = (
    "CREATE VIRTUAL TABLE found USING fts5(email, content='customers', content_rowid='id')",
    "INSERT INTO found (found) VALUES ('rebuild')",
    "CREATE VIRTUAL TABLE kept USING fts5(email)",
    "INSERT INTO kept (email) SELECT email FROM customers",
    "CREATE VIRTUAL TABLE words USING fts5vocab(found, 'row')",
)
sql = (
    "SELECT email FROM found",
    "SELECT term FROM words",
    "SELECT c0 FROM kept_content",
    "SELECT rowid FROM found WHERE found MATCH 'email'",
    "SELECT snippet(found, 0, '', '', '', 9) FROM found WHERE found MATCH 'email'",
)
refused = True
