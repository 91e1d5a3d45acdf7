"""TABLE is SELECT * in another word."""

path = "TABLE"
ends = "refused"
backends = ("postgresql",)
sql = (
    "TABLE customers",
    "SELECT * FROM (TABLE customers) AS c(a, b, c, d, e, f, g, h)",
    "WITH x AS (TABLE vips) TABLE x",
)
