"""The access log: who used what about whom, for which purpose, written down before anything is shown.

``event.py`` is what an event says, ``eventlog.py`` what may keep events. ``log.py`` is the log a process appends to,
``segment.py`` the bytes of one file, ``syncing.py`` and ``interval.py`` bring them to the disk.
``reading.py`` reads it back, ``wanted.py`` says which events a question is about, ``reviews.py`` is what waits for a
second person. ``verify.py`` is the proof that nothing
was changed: ``chain.py`` holds one segment, ``linking.py`` those of a writer, ``vouched.py`` what checkpoints say.
``checkpoints.py`` makes them, ``keeping.py`` compresses and lets go of what is old. ``docs/spec/log.md`` is the format.
"""

from __future__ import annotations

from sa_privacy.accesslog.checkpoints import Checkpoints
from sa_privacy.accesslog.event import Event, members
from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.accesslog.keeping import Kept, keep_log
from sa_privacy.accesslog.log import AccessLog, Fsync
from sa_privacy.accesslog.metrics import Metrics
from sa_privacy.accesslog.reading import read_events
from sa_privacy.accesslog.reviews import BreakGlass, break_glasses, event_id, open_reviews, review
from sa_privacy.accesslog.verify import Covered, Problem, Verification, verify_directory
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = [
    "AccessLog",
    "BreakGlass",
    "Checkpoints",
    "Covered",
    "Event",
    "EventLog",
    "Fsync",
    "Kept",
    "Metrics",
    "Problem",
    "Source",
    "Verification",
    "Wanted",
    "break_glasses",
    "event_id",
    "keep_log",
    "members",
    "open_reviews",
    "read_events",
    "review",
    "verify_directory",
]
