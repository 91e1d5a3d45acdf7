"""Asking the log: who used a person's data, what an account did, what was refused, whom a breach concerns.

``journal.py`` is the log in a directory: it finds events in its segments, ``follow.py`` goes on with those that are
written meanwhile. Each question is a function of a :class:`~sa_privacy.accesslog.Source`, so a SQL table answers as well.
"""

from __future__ import annotations

from sa_privacy.accesslog.questions.accounts import By, by
from sa_privacy.accesslog.questions.breaches import Breach, breach
from sa_privacy.accesslog.questions.journal import Journal
from sa_privacy.accesslog.questions.refusals import Denied, denied
from sa_privacy.accesslog.questions.uses import Who, who

__all__ = ["Breach", "By", "Denied", "Journal", "Who", "breach", "by", "denied", "who"]
