"""A sealed column may be asked for NULL."""

sql = "SELECT count(*) FROM customers WHERE phone IS NULL"
purposes = ("shipping",)
expect = [(0,)]
