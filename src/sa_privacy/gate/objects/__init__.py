"""Objects in memory: what they carry of the access they were loaded under, and how they ask before they give a value."""
