"""Dealings with the people whose data is kept: what they agreed to, whom it is given to, what they ask for."""
