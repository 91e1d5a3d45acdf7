"""PostgreSQL renames a table that is called an index, and the column of one that is called a view."""

path = "RENAME, another schema, search_path"
ends = "refused"
backends = ("postgresql",)
prepare = "CREATE SCHEMA attic"
sql = (
    "ALTER INDEX customers RENAME TO innocuous",
    "ALTER INDEX IF EXISTS customers RENAME TO innocuous",
    "ALTER VIEW customers RENAME COLUMN email TO colour",
    "ALTER TABLE customers * SET SCHEMA attic",
)
refused = True
hollow = "everything that looks afterwards would have to know the new name"
