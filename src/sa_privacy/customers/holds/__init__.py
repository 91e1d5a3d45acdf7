"""Holds: rows that must stay as they are for as long as a dispute or an inquiry lasts, whoever wants them gone.

``tables`` keeps what was placed and what is in force, ``matching`` is the one condition that says whether a row is held,
``guarded`` says which tables have such rows and ``guards_sqlite`` and ``guards_postgresql`` put the condition into triggers,
which see every path; ``guard`` makes them and says which are missing. ``targets`` finds what is to be held, ``holds`` places and
releases; ``in_force`` is what plans of destruction ask.
"""

from __future__ import annotations

from sa_privacy.customers.holds.hold import Hold

__all__ = ["Hold"]
