"""ALTER COLUMN ... TYPE ... USING copies another column into a plain one."""

path = "generated columns and defaults"
ends = "refused"
backends = ("postgresql",)
sql = (
    "ALTER TABLE customers ALTER COLUMN tier TYPE varchar(200) USING email",
    "ALTER TABLE customers ALTER tier SET DATA TYPE text USING (email || tier)",
)
