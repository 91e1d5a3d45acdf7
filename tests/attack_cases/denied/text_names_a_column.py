"""A text that simply names the column."""

path = "a column by its name"
ends = "refused"
sql = ("SELECT email FROM customers", "SELECT concierge FROM vips", "SELECT gift_note, amount FROM orders")
