"""What customers of the example shop may ask for, by how many rows there are of them.

    python -m benchmarks.shop             # 1 to 10,000 rows for each person, SQLite and PostgreSQL; some minutes
    python -m benchmarks.shop --quick     # 1 to 100

Each answer is counted, against what was put in, before its time counts.
"""
