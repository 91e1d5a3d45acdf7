"""A covered column, by name."""

sql = "SELECT count(*) FROM (SELECT name FROM customers) AS named"
purposes = ("shipping",)
expect = [(3,)]
