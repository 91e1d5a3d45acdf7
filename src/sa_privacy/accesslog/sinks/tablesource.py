"""Asking the SQL table: the events that a question is about, found by its indexes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import URL, ColumnElement, Engine, Select, or_, select

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.sinks.entry import ANYBODY, SEQS, index_key, subject_key
from sa_privacy.accesslog.sinks.schema import KIND_RARE, OF_INTENT, REFUSED, as_indexed
from sa_privacy.accesslog.sinks.table import EventTable, event_of, reaching
from sa_privacy.accesslog.wanted import Wanted
from sa_privacy.errors import LogUnavailable

__all__ = ["TableSource"]

_AT_ONCE = 2000
_ASKED_AT_ONCE = 500
_ALWAYS = frozenset({"intent", "outcome", "use"})
_REFUSED = frozenset({"denied", "would_deny"})


class TableSource:
    """A :class:`~sa_privacy.accesslog.Source`: where events can be asked for, in the SQL table.

    :param place: a database URL, an engine of its own, or the table.
    :raises LogUnavailable: the place is no database, or the table is not there.
    """

    def __init__(self, place: str | URL | Engine | EventTable) -> None:
        self._own = not isinstance(place, EventTable)
        self.table = place if isinstance(place, EventTable) else EventTable(place)
        if not self.table.exists():
            self.close()
            raise LogUnavailable(
                f"There is no access log in {self.table!r}.", hint="sa-privacy log ship --to URL puts it there."
            )

    def find(self, wanted: Wanted) -> Iterator[Event]:
        """The events wanted: by writer in order of ``seq``, writers in order of their first event; in constant memory.

        :raises LogUnavailable: the database cannot be read.
        """
        conditions, selective = self._conditions(wanted)
        if wanted.intents:
            found = self._outcomes(conditions, wanted.intents)
        else:
            found = self._sorted(conditions) if selective else self._by_writer(conditions)
        for line in found:
            event = event_of(line, self.table.engine)
            if wanted.takes(event):
                yield event

    def _outcomes(self, conditions: list[ColumnElement[bool]], intents: Collection[tuple[str, int]]) -> Iterator[str]:
        """Outcomes of intents, which are asked for some at a time."""
        events = self.table.schema.events.c
        sought: defaultdict[str, list[int]] = defaultdict(list)
        for writer, seq in sorted(intents):
            sought[writer].append(seq)
        for writer, number in self.table.writers().items():
            for some in _in_pieces(sought[writer], _ASKED_AT_ONCE):
                ids = [number * SEQS + seq for seq in some]
                yield from self._sorted([events.intent.in_(ids), as_indexed(OF_INTENT), *conditions])

    def _sorted(self, conditions: list[ColumnElement[bool]]) -> Iterator[str]:
        """Few events: the database finds them by an index, and sorts them."""
        events, writers = self.table.schema.events, self.table.schema.writers
        query: Select[Any] = (
            select(events.c.line)
            .outerjoin_from(events, writers, writers.c.number == events.c.id // SEQS)
            .where(*conditions)
            .order_by(writers.c.opened, writers.c.writer, events.c.id)
        )
        with (
            reaching(self.table.engine),
            self.table.engine.connect() as connection,
            connection.execution_options(yield_per=_AT_ONCE).execute(query) as result,
        ):
            yield from result.scalars()

    def _by_writer(self, conditions: list[ColumnElement[bool]]) -> Iterator[str]:
        """Perhaps all events: in pages of the key, so that nothing is sorted and no transaction stays open."""
        line = self.table.schema.events.c.line
        for number in self.table.writers().values():
            for row in self.table.rows(number, line, conditions=conditions):
                yield row[1]

    def _conditions(self, wanted: Wanted) -> tuple[list[ColumnElement[bool]], bool]:
        """What the database can leave out, and whether an index leaves little."""
        events, subjects = self.table.schema.events.c, self.table.schema.subjects.c
        found: list[ColumnElement[bool]] = []
        selective = False
        if wanted.since is not None:
            found.append(events.at >= self._moment(wanted.since))
        if wanted.until is not None:
            found.append(events.at < self._moment(wanted.until))
        if wanted.subject is not None:
            keys = [subject_key(wanted.subject), *([ANYBODY] if wanted.unbounded else [])]
            mine = [subjects.event, subjects.at] if self.table.schema.dated else [subjects.event]
            of = select(*mine).where(or_(*(subjects.subject == key for key in keys)))
            if self.table.schema.dated and wanted.since is not None:
                of = of.where(subjects.at >= self._moment(wanted.since))
            if self.table.schema.dated and wanted.until is not None:
                of = of.where(subjects.at < self._moment(wanted.until))
            one = of.distinct().subquery().c
            found.append(events.id == one.event)
            if self.table.schema.dated:
                found.append(events.at == one.at)
            selective = True
        if wanted.actor is not None:
            found.append(events.actor == index_key(wanted.actor))
            selective = True
        if wanted.decisions:
            found.append(events.decision.in_(sorted(wanted.decisions)))
            if wanted.decisions <= _REFUSED:
                found.append(as_indexed(REFUSED))
                selective = True
        if wanted.kinds:
            found.append(events.kind.in_(sorted(wanted.kinds)))
            if not wanted.kinds & _ALWAYS:
                found.append(as_indexed(KIND_RARE))
                selective = True
        return found, selective

    def _moment(self, moment: datetime) -> Any:
        """A time as the table holds it."""
        moment = moment.astimezone(UTC)
        if self.table.engine.dialect.name == "postgresql":
            return moment
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def close(self) -> None:
        """Let go of the connections."""
        if self._own:
            self.table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _in_pieces(numbers: list[int], size: int) -> Iterator[list[int]]:
    """A list in pieces."""
    return (numbers[begin : begin + size] for begin in range(0, len(numbers), size))
