"""Subtotals by ROLLUP and GROUPING SETS."""

backends = ("postgresql",)
sql = (
    "SELECT status, count(*) FROM orders GROUP BY ROLLUP (status) ORDER BY status NULLS LAST",
    "SELECT status, count(*) FROM orders GROUP BY GROUPING SETS ((status), ()) ORDER BY 1 NULLS LAST",
)
expect = [("open", 2), ("sent", 1), (None, 3)]
