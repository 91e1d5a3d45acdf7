"""EXISTS over a plain column."""

sql = "SELECT CASE WHEN EXISTS (SELECT 1 FROM customers WHERE tier = 'gold') THEN 1 ELSE 0 END"
expect = [(1,)]
