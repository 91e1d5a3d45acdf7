"""A report over days: generate_series, date_trunc, and a join from the left."""

backends = ("postgresql",)
sql = """
    SELECT to_char(date_trunc('day', day), 'YYYY-MM-DD'), count(p.id)
    FROM generate_series(timestamp '2026-01-01', timestamp '2026-01-03', interval '1 day') AS day
    LEFT JOIN products p ON p.id = extract(day FROM day)
    GROUP BY 1 ORDER BY 1
"""
expect = [("2026-01-01", 1), ("2026-01-02", 1), ("2026-01-03", 0)]
