"""CALL of a procedure that copies the column."""

path = "functions, aggregates, procedures"
ends = "refused"
backends = ("postgresql",)
prepare = (
    "CREATE PROCEDURE copy_it() LANGUAGE sql AS 'UPDATE notes SET body = (SELECT email FROM customers WHERE id = 1)'"
)
sql = "CALL copy_it()"
