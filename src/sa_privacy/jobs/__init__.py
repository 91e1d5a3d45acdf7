"""Work on stored values in batches, while the application runs: sealing a column, sealing it anew, unsealing it.

``sealing`` is what callers use; ``target`` says which columns, ``values`` what becomes of a stored value, ``sql`` how that is
said to each database, ``batch`` does it for one range of keys, ``passes`` cuts the ranges, ``worker`` is the other side of an
executor. ``people`` and ``rewrap`` are for columns under people's keys, and for the keys. ``retype`` changes a column's type on PostgreSQL, ``count`` counts, ``doctor`` says what stands against it.
"""

from __future__ import annotations

from sa_privacy.jobs.count import ColumnCount, TableCount
from sa_privacy.jobs.doctor import examine, matched_in
from sa_privacy.jobs.finding import Finding
from sa_privacy.jobs.passes import Progress, Tally
from sa_privacy.jobs.retype import Busy
from sa_privacy.jobs.rewrap import Rewrapped, rewrap
from sa_privacy.jobs.sealing import TableReport, reseal, seal, unseal
from sa_privacy.jobs.worker import prepare_worker

__all__ = [
    "Busy",
    "ColumnCount",
    "Finding",
    "Progress",
    "Rewrapped",
    "TableCount",
    "TableReport",
    "Tally",
    "examine",
    "matched_in",
    "prepare_worker",
    "reseal",
    "rewrap",
    "seal",
    "unseal",
]
