"""The end of the table, and what is added to it while one looks."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.sinks.table import EventTable, event_of, reaching
from sa_privacy.accesslog.wanted import Wanted

__all__ = ["TableFollow", "last_rows"]

_BACK: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=31), None)
"""How far back to look, until there is enough: a time leaves most of a table unread, whatever its indexes."""
_AT_ONCE: Final = 500


def last_rows(table: EventTable, wanted: Wanted, count: int) -> list[Event]:
    """The last `count` events wanted, by time.

    :raises LogUnavailable: the database cannot be read.
    """
    now = datetime.now(UTC)
    found: list[Event] = []
    for back in _BACK if count > 0 else ():
        found = []
        for event in _backwards(table, None if back is None else now - back):
            if wanted.takes(event):
                found.append(event)
                if len(found) == count:
                    return _by_time(found)
    return _by_time(found)


def _by_time(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda one: (one.at, one.writer, one.seq))


def _backwards(table: EventTable, since: datetime | None) -> Iterator[Event]:
    """The latest first."""
    events = table.schema.events.c
    query = select(events.line).order_by(events.at.desc(), events.id.desc())
    if since is not None:
        query = query.where(events.at >= table.moment(since))
    with (
        reaching(table.engine),
        table.engine.connect() as connection,
        connection.execution_options(yield_per=_AT_ONCE).execute(query) as result,
    ):
        for line in result.scalars():
            yield event_of(line, table.engine)


class TableFollow:
    """What comes into the table from now on, of all writers, whenever it was written: shipping may be late.

    Memory: a number for each writer.

    :raises LogUnavailable: the database cannot be read.
    """

    def __init__(self, table: EventTable, wanted: Wanted) -> None:
        self._table = table
        self._takes = wanted.takes
        self._read = table.ends()

    def new(self) -> Iterator[Event]:
        """What came since the last call, by time as far as each writer's order allows.

        :raises LogUnavailable: the database cannot be read.
        """
        before, self._read = self._read, self._table.ends()
        fresh = []
        for writer, (number, end) in self._read.items():
            _, last = before.get(writer, (number, -1))
            if end > last:
                fresh.append(self._of(number, last, end))
        return heapq.merge(*fresh, key=lambda one: one.at)

    def _of(self, number: int, last: int, end: int) -> Iterator[Event]:
        events = self._table.schema.events.c
        between = (events.id > last, events.id <= end)
        for _, line in self._table.rows(number, events.line, conditions=between):
            event = event_of(line, self._table.engine)
            if self._takes(event):
                yield event
