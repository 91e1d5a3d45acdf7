"""An anonymous block that copies a column where everybody may read it."""

path = "PREPARE, EXECUTE, DECLARE, DO"
ends = "refused"
backends = ("postgresql",)
sql = (
    "DO $$ BEGIN UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1); END $$",
    "DO $x$ BEGIN EXECUTE 'UPDATE notes SET body = (SELECT em' || 'ail FROM customers WHERE id = 2)'; END $x$",
    "DO 'BEGIN UPDATE notes SET body = (SELECT email FROM customers WHERE id = 3); END'",
)
