"""Which events a question is about: one filter for all places that events are kept in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.unbounded import Unbounded

__all__ = ["Finds", "Source", "Wanted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Events of which all that is said here holds; by default, all events.

    :param since: the first moment, aware.
    :param until: the moment after the last one, aware.
    :param subject: the pseudonym of a person whom the event names.
    :param actor: who acted.
    :param purpose: that was declared, alone or with others.
    :param table: a table (``"customers"``, ``"crm.contacts"``) of which a column is read, matched, written or a row deleted.
    :param kinds: ``{"intent", "use", ...}``; empty: every kind.
    :param decisions: ``{"denied", "would_deny", ...}``; empty: every decision, and none.
    :param intents: outcomes of these intents, each as ``(writer, seq)``; empty: of every one, and what is no outcome.
    """

    since: datetime | None = None
    until: datetime | None = None
    subject: str | None = None
    actor: str | None = None
    purpose: str | None = None
    table: str | None = None
    kinds: frozenset[str] = frozenset()
    decisions: frozenset[str] = frozenset()
    intents: frozenset[tuple[str, int]] = frozenset()

    def takes(self, event: Event) -> bool:
        """Whether an event is among them: the last word, whatever a source looked up or left out before."""
        return (
            (not self.kinds or event.kind in self.kinds)
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
            and (self.actor is None or event.actor == self.actor)
            and (self.purpose is None or self.purpose in event.purpose)
            and (not self.decisions or event.decision in self.decisions)
            and (self.subject is None or self.subject in (event.subjects or ()))
            and (self.table is None or self._touches(event, self.table))
            and (not self.intents or (event.kind == "outcome" and (event.writer, event.intent) in self.intents))
        )

    @staticmethod
    def _touches(event: Event, table: str) -> bool:
        columns = (*event.reads, *event.matches, *event.writes)
        return table in event.deletes or any(column.rpartition(".")[0] == table for column in columns)


class Finds(Protocol):
    """Where events can be looked for."""

    def find(self, wanted: Wanted) -> Iterator[Event]:
        """The events wanted: by writer in order of ``seq``, writers in order of their first event; in constant memory.

        :raises LogUnavailable: the place cannot be read.
        """
        ...


class Source(Finds, Protocol):
    """Where questions can be asked: the journal's segments, or a SQL table."""

    def unbounded(
        self, *, since: datetime | None = None, until: datetime | None = None, besides: str | None = None
    ) -> tuple[Unbounded, ...]:
        """What was done of which nobody can tell whose data it was, by account, the most times first.

        :param besides: the pseudonym of a person: what names them all the same is not counted.
        :raises LogUnavailable: the place cannot be read.
        """
        ...
