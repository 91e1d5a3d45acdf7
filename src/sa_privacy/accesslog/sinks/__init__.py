"""Where the log goes beside its directory: what needs a database, imported by whoever wants one."""
