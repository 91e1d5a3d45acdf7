"""How many people there are is nobody's data."""

sql = "SELECT count(*) FROM customers"
expect = [(3,)]
