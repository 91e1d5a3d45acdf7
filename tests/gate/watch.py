"""What an engine really sends, as its last listener before the driver sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from sa_privacy.accesslog import Event, EventLog

__all__ = ["events_between_notes", "events_of", "statements"]

KINDS = ("intent", "outcome", "use")


@contextmanager
def statements(engine: Engine | AsyncEngine) -> Iterator[list[str]]:
    """Collects the SQL that the engine sends inside the block."""
    plain = engine.sync_engine if isinstance(engine, AsyncEngine) else engine
    sent: list[str] = []

    def note(*said: Any) -> None:
        sent.append(said[2])

    event.listen(plain, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(plain, "before_cursor_execute", note)


def events_of(log: EventLog, *kinds: str, after: int = 0) -> list[Event]:
    """The events of these kinds (of all but the log's own, where none is named), without the first `after`."""
    wanted = kinds or KINDS
    return [event for event in log.events() if event.kind in wanted][after:]


def events_between_notes(log: EventLog) -> list[list[Event]]:
    """For each note that a test wrote, the events up to the next. Reading the log once for many statements is faster."""
    found: list[list[Event]] = []
    for one in log.events():
        if one.kind == "note":
            found.append([])
        elif one.kind in KINDS and found:
            found[-1].append(one)
    return found
