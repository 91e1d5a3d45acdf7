"""Bulk work in chunks: ranges of keys, on any executor, so that workers can die and join.

``work`` says what is done, and in which parts; ``kept`` gives chunks out by leases that stand in the database (``tables``,
``keys``), ``unkept`` where it has no tables for that; ``crew`` is who works on them, ``station`` where one of them does;
``course`` goes from the beginning of a work to its end. ``turns`` waits where the database has no turn for us. What is done with a
chunk, and that doing it twice is as doing it once, is for the rooms above to say.
"""

from __future__ import annotations

from sa_privacy.bulk.boards import board_of
from sa_privacy.bulk.course import Course, Pace, cutting
from sa_privacy.bulk.crew import Crew, Make, crew_of
from sa_privacy.bulk.kept import Kept, mark_done, range_of
from sa_privacy.bulk.keys import Key
from sa_privacy.bulk.ranges import end_of, require_keys, within
from sa_privacy.bulk.station import Station, Task, enlist, prepare_worker
from sa_privacy.bulk.tables import CHUNKS, WORKS
from sa_privacy.bulk.turns import begin_to_write, patiently
from sa_privacy.bulk.unkept import Unkept
from sa_privacy.bulk.work import ALL, Board, Cut, Lease, LeaseLost, Part, Range, Waiting, Work

__all__ = [
    "ALL",
    "CHUNKS",
    "WORKS",
    "Board",
    "Course",
    "Crew",
    "Cut",
    "Kept",
    "Key",
    "Lease",
    "LeaseLost",
    "Make",
    "Pace",
    "Part",
    "Range",
    "Station",
    "Task",
    "Unkept",
    "Waiting",
    "Work",
    "begin_to_write",
    "board_of",
    "crew_of",
    "cutting",
    "end_of",
    "enlist",
    "mark_done",
    "patiently",
    "prepare_worker",
    "range_of",
    "require_keys",
    "within",
]
