"""The default of a plain column, or a check on it, reads the table."""

path = "generated columns and defaults"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE FUNCTION first_one() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers ORDER BY id LIMIT 1'",
    "ALTER TABLE notes ALTER COLUMN body SET DEFAULT first_one()",
)
sql = (
    "INSERT INTO notes DEFAULT VALUES RETURNING body",
    "INSERT INTO notes (id) VALUES (50) RETURNING body",
    "INSERT INTO notes (body) VALUES (DEFAULT) RETURNING body",
    "UPDATE notes SET body = DEFAULT WHERE id = 1 RETURNING body",
)
