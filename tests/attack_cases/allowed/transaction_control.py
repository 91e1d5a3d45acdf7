"""Isolation levels and settings."""

backends = ("postgresql",)
sql = "SET LOCAL statement_timeout = 1000"
expect: list[object] = []
