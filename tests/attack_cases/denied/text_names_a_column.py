"""A text that simply names the column."""

sql = ("SELECT email FROM customers", "SELECT concierge FROM vips", "SELECT gift_note, amount FROM orders")
