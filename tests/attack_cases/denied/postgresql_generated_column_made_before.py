"""A stored generated column that the model does not know carries a personal value."""

path = "generated columns and defaults"
ends = "refused"
backends = ("postgresql",)
prepare = "ALTER TABLE customers ADD COLUMN shown varchar(200) GENERATED ALWAYS AS (email || '!') STORED"
sql = "SELECT shown FROM customers"
