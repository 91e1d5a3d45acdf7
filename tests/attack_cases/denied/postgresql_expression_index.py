"""An index over the column calls a function of one's own, that may keep what it is given."""

backends = ("postgresql",)
prepare = "CREATE FUNCTION keep(a varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS 'SELECT a'"
sql = "CREATE INDEX kept ON customers (keep(email))"
refused = True
