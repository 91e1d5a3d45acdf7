"""A recursive CTE that counts."""

sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n ORDER BY i"
expect = [(1,), (2,), (3,)]
