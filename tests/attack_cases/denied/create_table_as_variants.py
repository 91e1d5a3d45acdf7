"""Other ways to write CREATE TABLE AS."""

path = "CREATE TABLE AS, SELECT INTO"
ends = "refused"
sql = (
    "CREATE TEMPORARY TABLE loot1 AS SELECT email FROM customers",
    "CREATE TABLE IF NOT EXISTS loot2 AS SELECT * FROM customers",
    "CREATE TABLE loot3 AS WITH x AS (SELECT email AS y FROM customers) SELECT y FROM x",
)
refused = True
hollow = "driver SQL finds the table that the text has made"
