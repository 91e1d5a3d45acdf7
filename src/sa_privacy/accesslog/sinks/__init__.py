"""The access log in a SQL table: shipped there from its segments, or written there in the first place.

``table.py`` is the table, ``ship.py`` moves segments to it or to stdout, ``tablelog.py`` is the table as the log itself,
``tablesource.py`` asks it; ``checkpoints.py`` is a database as the second place of checkpoints. Of the rooms under
``columns`` this one alone knows SQLAlchemy, and nothing imports it but who wants a database.
"""

from __future__ import annotations

from sa_privacy.accesslog.sinks.ship import Lag, Shipper, Shipping
from sa_privacy.accesslog.sinks.table import EventTable
from sa_privacy.accesslog.sinks.tablelog import TableLog
from sa_privacy.accesslog.sinks.tablesource import TableSource
from sa_privacy.accesslog.sinks.target import StdoutTarget, TableTarget, Target, Unshippable

__all__ = [
    "EventTable",
    "Lag",
    "Shipper",
    "Shipping",
    "StdoutTarget",
    "TableLog",
    "TableSource",
    "TableTarget",
    "Target",
    "Unshippable",
]
