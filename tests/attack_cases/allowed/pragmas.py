"""Harmless PRAGMAs."""

backends = ("sqlite",)
sql = "PRAGMA foreign_keys"
expect = [(0,)]
