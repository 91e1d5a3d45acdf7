"""Work on stored values in batches, while the application runs: sealing a column, sealing it anew, unsealing it.

``sealing`` is what callers use; ``target`` says which columns, ``values`` what becomes of a stored value, ``sql`` how that is
said to each database, ``batch`` does it for one range of keys, ``passes`` has all of them done, on whoever works on chunks
(:mod:`sa_privacy.bulk`), ``worker`` is the other side of that. ``people`` and ``rewrap`` are for columns under people's keys, and for the keys. ``retype`` changes a column's type on PostgreSQL, ``count`` counts, ``doctor`` says what stands against it.
"""

from __future__ import annotations

from sa_privacy.bulk import prepare_worker
from sa_privacy.errors import Busy, WorkersLost
from sa_privacy.executors import Cluster, Processes
from sa_privacy.jobs.count import ColumnCount, TableCount
from sa_privacy.jobs.doctor import examine, matched_in
from sa_privacy.jobs.finding import Finding
from sa_privacy.jobs.passes import Progress, Tally
from sa_privacy.jobs.rewrap import Rewrapped, rewrap
from sa_privacy.jobs.sealing import TableReport, reseal, seal, unseal

__all__ = [
    "Busy",
    "Cluster",
    "ColumnCount",
    "Finding",
    "Processes",
    "Progress",
    "Rewrapped",
    "TableCount",
    "TableReport",
    "Tally",
    "WorkersLost",
    "examine",
    "matched_in",
    "prepare_worker",
    "reseal",
    "rewrap",
    "seal",
    "unseal",
]
