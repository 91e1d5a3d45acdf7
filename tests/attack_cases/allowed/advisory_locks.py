"""Advisory locks around a job."""

backends = ("postgresql",)
sql = (
    "SELECT pg_try_advisory_xact_lock(42)",
    "SELECT pg_try_advisory_xact_lock(hashtext_like) FROM (VALUES (7::bigint)) AS x (hashtext_like)",
)
expect = [(True,)]
