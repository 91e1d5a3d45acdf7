"""Functions that read the server's own files and other sessions' queries."""

path = "functions that run or read a string"
ends = "refused"
backends = ("postgresql",)
refused = True
sql = (
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT query FROM pg_stat_activity",
    "SELECT lo_import('/etc/hostname')",
    "SELECT pg_ls_dir('.')",
)
