"""Dealings with the people whose data is kept.

``consent`` is what they agreed to, ``disclosure`` whom their data is given to, ``requests`` what they ask for, and ``file`` what
a person is shown of themselves. ``owned`` tells which rows, of all tables, are a person's.
"""
