"""A CTE that writes, and returns what it wrote over."""

path = "RETURNING"
ends = "refused"
backends = ("postgresql",)
sql = (
    "WITH x AS (UPDATE customers SET tier = tier RETURNING email) SELECT email FROM x",
    "WITH x AS (DELETE FROM orders RETURNING gift_note) SELECT * FROM x",
    "WITH x AS (INSERT INTO notes (body) SELECT email FROM customers RETURNING body) SELECT body FROM x",
)
