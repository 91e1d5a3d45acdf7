"""The planner's statistics hold the most common values."""

path = "statistics, system views"
ends = "refused"
backends = ("postgresql",)
prepare = "ANALYZE"
sql = (
    "SELECT histogram_bounds::text, most_common_vals::text FROM pg_stats WHERE attname = 'email'",
    "SELECT stavalues1::text FROM pg_statistic",
    "SELECT s.histogram_bounds::text FROM pg_catalog.pg_stats AS s",
    "SELECT * FROM pg_stats",
)
