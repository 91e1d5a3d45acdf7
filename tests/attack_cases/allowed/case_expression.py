"""A CASE over plain columns."""

sql = "SELECT CASE WHEN price > 30 THEN 'dear' ELSE 'cheap' END FROM products ORDER BY id"
expect = [("cheap",), ("dear",)]
