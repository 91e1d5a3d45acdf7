"""An index over the column calls a function of one's own, that may keep what it is given."""

path = "indexes over the column"
ends = "refused"
backends = ("postgresql",)
prepare = "CREATE FUNCTION keep(a varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS 'SELECT a'"
sql = "CREATE INDEX kept ON customers (keep(email))"
refused = True
