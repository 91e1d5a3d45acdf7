"""Whose data a statement is about, and the keys of these people."""
