"""Those who act: their accounts, which roles they were granted, which pledges they signed.

``authority`` and ``pledges`` are ledgers that only grow, and work on the actor's name alone, whoever tells it;
``accounts`` tells it where no identity provider does (``attempts`` counts, ``passwords`` hashes). ``port`` answers the
gate, ``review`` lays everything out for whoever looks after it. ``staff`` is what users call.
"""

from __future__ import annotations

from sa_privacy.staff.review import Holding, Pledged, Report, RoleScope
from sa_privacy.staff.staff import Staff

__all__ = ["Holding", "Pledged", "Report", "RoleScope", "Staff"]
