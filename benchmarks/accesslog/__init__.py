"""What the access log costs, and whether its bars are met: ``python -m benchmarks.accesslog``.

``statement.py`` is an event in the path of a statement, ``writing.py`` the log by itself, ``shipping.py`` the way into a
table, ``verifying.py`` the proof, ``asking.py`` the questions, ``memory.py`` what each of these holds at most. Each runs alone
too. ``generated.py`` makes the log that they look at, ``bars.py`` is the table.
"""
