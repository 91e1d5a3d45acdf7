"""A plain table refers to people by a personal column, so that its own column holds the same values."""

backends = ("postgresql",)
prepare = (
    "CREATE TABLE followers (email varchar(80) REFERENCES customers (email) ON UPDATE CASCADE)",
    "INSERT INTO followers SELECT email FROM customers",
)
sql = "SELECT email FROM followers"
