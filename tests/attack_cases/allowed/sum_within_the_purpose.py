"""An aggregate over a covered, unsealed column."""

sql = "SELECT count(amount) FROM orders"
purposes = ("billing",)
expect = [(3,)]
