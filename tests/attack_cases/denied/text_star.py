"""`*` names every column."""

path = "*"
ends = "refused"
sql = ("SELECT * FROM customers", "SELECT c.* FROM customers AS c", "SELECT o.*, c.* FROM orders o, customers c")
