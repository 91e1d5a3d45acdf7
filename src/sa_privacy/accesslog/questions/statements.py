"""Which events are one statement: an intent, its outcomes, or the want of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import Final, NamedTuple

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["REFUSALS", "Part", "Step", "columns_of", "endings", "statement_of", "steps", "untold"]

REFUSALS: Final = frozenset({"denied", "would_deny"})
_KINDS: Final = frozenset({"intent", "outcome", "use"})
_OUTCOME: Final = frozenset({"outcome"})
_CLOCKS: Final = timedelta(days=1)
"""How far a clock may have been set back between an intent and its outcome."""


class Part(Enum):
    """What an event is of what it belongs to."""

    BEGUN = "begun"
    """The intent of a statement that was let through."""
    ENDED = "ended"
    """An outcome: rows were handed over, or changed."""
    USED = "used"
    """Values in memory were used."""
    REFUSED = "refused"
    """Nothing was handed over."""
    UNFINISHED = "unfinished"
    """The intent, once more, of a statement that began and is not known to have ended: its process was killed, the
    statement failed in the database, or it is running. No rows were handed over; rows may have been changed."""


class Step(NamedTuple):
    """An event, and what it is.

    :ivar first: the statement, or the use, is met for the first time.
    """

    part: Part
    event: Event
    first: bool


def steps(source: Source, wanted: Wanted) -> Iterator[Step]:
    """The events of statements and uses, told apart; in constant memory but for what has not ended yet.

    :param wanted: by time, actor and table; not by subject, kind or decision.
    """
    unfinished: dict[tuple[str, int], Event] = {}
    started: set[int] = set()  # of intents before the time asked for, those whose outcome was met
    writer, begins, running = "", 0, dict[int, Event]()
    for event in source.find(replace(wanted, kinds=_KINDS)):
        if event.writer != writer:
            unfinished |= {(writer, seq): intent for seq, intent in running.items()}
            writer, begins, running, started = event.writer, event.seq, {}, set()
        if event.decision == "denied":
            if event.intent:  # rows were asked for too late
                running.pop(event.intent, None)
            yield Step(Part.REFUSED, event, first=True)
        elif event.kind == "use":
            yield Step(Part.USED, event, first=True)
        elif event.kind == "intent":
            running[event.seq] = event
            yield Step(Part.BEGUN, event, first=True)
        else:
            intent = event.intent
            first = not intent  # its intent could not be written, and the policy says to go on
            if intent:
                running.pop(intent, None)
                first = intent < begins and intent not in started
                if first:
                    started.add(intent)
            yield Step(Part.ENDED, event, first)
    unfinished |= {(writer, seq): intent for seq, intent in running.items()}
    if unfinished and wanted.until is not None:
        for name in endings(source, unfinished):
            del unfinished[name]
    for event in unfinished.values():
        yield Step(Part.UNFINISHED, event, first=False)


def endings(source: Source, intents: Mapping[tuple[str, int], Event]) -> dict[tuple[str, int], Event]:
    """The first outcome of each of some intents that has one, at whatever time."""
    found: dict[tuple[str, int], Event] = {}
    since = min(intent.at for intent in intents.values()) - _CLOCKS
    for outcome in source.find(Wanted(kinds=_OUTCOME, intents=frozenset(intents), since=since)):
        found.setdefault((outcome.writer, outcome.intent or 0), outcome)
        if len(found) == len(intents):
            break
    return found


def statement_of(event: Event) -> tuple[str, int]:
    """What names the statement that an event belongs to: its writer, and the ``seq`` of its intent."""
    return event.writer, event.intent or event.seq


def columns_of(event: Event) -> tuple[str, ...]:
    """The personal columns that an event touches, each once."""
    return tuple(dict.fromkeys((*event.reads, *event.matches, *event.writes)))


def untold(event: Event) -> bool:
    """Whether nobody can tell whose data an outcome or a use was. Where no row was touched, it was nobody's; no row that is
    handed over is no sign of that, where a query changes rows on the way.
    """
    touched = event.rows != 0 or bool(event.writes or event.deletes)
    return touched and (event.unbounded or event.subjects is None)
