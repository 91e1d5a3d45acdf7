"""Retention: how long rows are kept, as the policy says it.

``conditions`` makes SQL of a schedule, ``ruled`` of all that is said of a table, ``rows`` of what one schedule has left to do in
one table. ``counting`` makes a ``plan`` of it, with ``words`` for people; ``retention`` carries it out, in ``chunks``.
``records`` are the library's own, ``nobodys`` what pseudonymised rows have led to, and ``checks`` come before all of it.
"""
