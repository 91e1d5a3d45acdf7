"""What the database keeps of statements, estimates and other sessions."""

path = "statistics, system views"
ends = "refused"
backends = ("postgresql",)
sql = (
    "SELECT query FROM pg_stat_activity",
    "SELECT most_common_vals FROM pg_stats",
    "SELECT * FROM pg_catalog.pg_statistic",
    "SELECT statement FROM pg_prepared_statements",
    "SELECT statement FROM pg_cursors",
    "SELECT * FROM pg_largeobject",
    "TABLE pg_stats",
)
refused = True
