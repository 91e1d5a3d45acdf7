"""A new row takes its value from the table: VALUES, DEFAULT and SELECT in turn."""

path = "a covered value copied to where nobody guards it"
ends = "refused"
backends = ("postgresql",)
sql = (
    "INSERT INTO notes (body) VALUES ((SELECT email FROM customers WHERE id = 1)) RETURNING body",
    "INSERT INTO notes (id, body) VALUES (DEFAULT, (SELECT max(email) FROM customers))",
    "INSERT INTO notes (body) SELECT v FROM (VALUES ((SELECT email FROM customers WHERE id = 2))) AS x (v)",
    "WITH gone AS (DELETE FROM notes RETURNING id) INSERT INTO notes (body) SELECT email FROM customers",
)
