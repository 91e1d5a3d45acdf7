"""GDPRbench (Shastri et al., VLDB 2020) over SQLAlchemy: the same trace for a plain application and a protected one.

    python -m benchmarks.gdprbench              # 10,000 records, 1,000 operations
    python -m benchmarks.gdprbench --large      # 100,000 records, 10,000 operations
    python -m benchmarks.gdprbench --quick      # 500 records, 120 operations: whether it runs

``README.md`` beside this file says what maps to what.
"""
