"""A maintenance access reaches every column."""

sql = "SELECT count(email) FROM customers"
purposes = ("maintenance",)
expect = [(3,)]
