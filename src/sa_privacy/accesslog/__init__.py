"""The access log: who used what about whom, for which purpose, written down before anything is shown.

``event.py`` is what an event says, ``lines.py`` how it stands in a line, ``eventlog.py`` what may keep events,
``logplace.py`` what one may do with them where they are kept, ``wanted.py``
which of them a question is about, ``unbounded.py`` what cannot be told, ``reviews.py`` what waits for a second person. ``journal/`` are the files that a process
writes, ``proof/`` shows that nothing was changed, ``sinks/`` are the places that events are moved on to, ``questions/`` the
answers. ``docs/spec/log.md`` is the format.
"""

from __future__ import annotations

from sa_privacy.accesslog.event import Event, members
from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.accesslog.journal.log import AccessLog, Fsync
from sa_privacy.accesslog.journal.metrics import Metrics
from sa_privacy.accesslog.journal.reading import read_events
from sa_privacy.accesslog.logplace import Following, LogPlace, LogStatus
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.keeping import Kept, keep_log
from sa_privacy.accesslog.proof.verify import Covered, Problem, Verification, verify_directory
from sa_privacy.accesslog.reviews import BreakGlass, break_glasses, event_id, open_reviews, review
from sa_privacy.accesslog.unbounded import Unbounded
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = [
    "AccessLog",
    "BreakGlass",
    "Checkpoints",
    "Covered",
    "Event",
    "EventLog",
    "Following",
    "Fsync",
    "Kept",
    "LogPlace",
    "LogStatus",
    "Metrics",
    "Problem",
    "Source",
    "Unbounded",
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
