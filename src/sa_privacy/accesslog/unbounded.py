"""What cannot be told: statements and uses of which nobody knows whose data they were, counted by account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sa_privacy.accesslog.event import Event

__all__ = ["Tally", "Unbounded", "by_times", "is_unbounded", "tables_of"]


@dataclass(slots=True)
class Unbounded:
    """What one account did of which nobody can tell whose data it was: it may have been anybody's.

    :ivar times: statements and uses.
    :ivar rows: rows handed over or changed.
    :ivar tables: the tables touched.
    """

    actor: str | None
    first: datetime
    last: datetime
    times: int = 0
    rows: int = 0
    tables: set[str] = field(default_factory=set)

    def add(self, other: Unbounded) -> None:
        """Takes in some more of the same account."""
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.times += other.times
        self.rows += other.rows
        self.tables |= other.tables


class Tally:
    """Counts events as they come, a writer's all together. A statement with several outcomes counts once.

    Memory: a number for each such statement of one writer.
    """

    def __init__(self) -> None:
        self._found: dict[str | None, Unbounded] = {}
        self._writer = ""
        self._met: set[int] = set()

    def add(self, event: Event) -> None:
        """Takes in one of which :func:`is_unbounded` is true."""
        if event.writer != self._writer:
            self._writer, self._met = event.writer, set()
        statement = event.intent or event.seq
        again = statement in self._met
        self._met.add(statement)
        one = Unbounded(event.actor, event.at, event.at, not again, event.rows or 0, set(tables_of(event)))
        known = self._found.setdefault(event.actor, one)
        if known is not one:
            known.add(one)

    @property
    def found(self) -> tuple[Unbounded, ...]:
        """By account, the most times first."""
        return by_times(self._found.values())


def by_times(found: Iterable[Unbounded]) -> tuple[Unbounded, ...]:
    """The most times first."""
    return tuple(sorted(found, key=lambda one: (-one.times, one.actor or "")))


def is_unbounded(event: Event) -> bool:
    """Whether rows were handed over or changed, or values used, and nobody can tell whose. No rows are nobody's; none that
    are handed over are no sign of that, where a query changes rows on the way.
    """
    if not event.unbounded or event.kind not in ("outcome", "use") or event.decision == "denied":
        return False
    return event.rows != 0 or bool(event.writes or event.deletes)


def tables_of(event: Event) -> tuple[str, ...]:
    """The tables that an event touches, each once."""
    columns = (*event.reads, *event.matches, *event.writes)
    return tuple(dict.fromkeys((*(name.rpartition(".")[0] for name in columns), *event.deletes)))
