"""Which rows a role or a purpose reaches, and the conditions that put this into statements."""
