"""A table that no model knows refers to people by a personal column, so that its own column holds the same values."""

path = "a foreign key to a personal column"
ends = "refused"
prepare = (
    "CREATE TABLE followers (id integer, email varchar(80) REFERENCES customers (email) ON UPDATE CASCADE)",
    "INSERT INTO followers SELECT id, email FROM customers",
)
sql = (
    "SELECT email FROM followers",
    "SELECT f.email FROM products p JOIN followers f ON f.id = p.id",
)
