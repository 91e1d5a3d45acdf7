"""The log in a SQL table: finding events by its indexes, and all else one may ask."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, Self

import msgspec
from sqlalchemy import URL, ColumnElement, Engine, Select, bindparam, func, select

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.logplace import LogStatus
from sa_privacy.accesslog.proof.places import Place
from sa_privacy.accesslog.proof.verify import Progress, Verification
from sa_privacy.accesslog.sinks.entry import SEQS, Touched, index_key, subject_key
from sa_privacy.accesslog.sinks.place import missing_file
from sa_privacy.accesslog.sinks.schema import KIND_RARE, OF_INTENT, REFUSED, as_indexed
from sa_privacy.accesslog.sinks.table import EventTable, event_of, reaching
from sa_privacy.accesslog.sinks.tablelog import TableLog
from sa_privacy.accesslog.sinks.tablestatus import table_status
from sa_privacy.accesslog.sinks.tabletail import TableFollow, last_rows
from sa_privacy.accesslog.unbounded import Unbounded, by_times, is_unbounded
from sa_privacy.accesslog.wanted import Wanted
from sa_privacy.crypto import VerifyingKey
from sa_privacy.errors import LogUnavailable
from sa_privacy.executors import Processes

__all__ = ["TableSource"]

_AT_ONCE = 2000
_ASKED_AT_ONCE = 500
_WORTH_PROCESSES = 100_000
_ALWAYS = frozenset({"intent", "outcome", "use"})
_REFUSED = frozenset({"denied", "would_deny"})


class TableSource:
    """The log of a SQL table as a :class:`~sa_privacy.accesslog.LogPlace`: that it was shipped to, or that is the log.

    :param place: a database URL, an engine of its own, or the table.
    :raises LogUnavailable: the place is no database, or the table is not there.
    """

    def __init__(self, place: str | URL | Engine | EventTable) -> None:
        if isinstance(place, str | URL) and (file := missing_file(place)) is not None:
            raise LogUnavailable(
                f"There is no access log in {file}: there is no such file.",
                hint="sa-privacy log ship --to URL makes it.",
            )
        self._own = not isinstance(place, EventTable)
        self.table = place if isinstance(place, EventTable) else EventTable(place)
        if not self.table.exists():
            self.close()
            raise LogUnavailable(
                f"There is no access log in {self.table.name}.", hint="sa-privacy log ship --to URL puts it there."
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

    def unbounded(
        self, *, since: datetime | None = None, until: datetime | None = None, besides: str | None = None
    ) -> tuple[Unbounded, ...]:
        """What cannot be told whose data it was; see :meth:`Source.unbounded`. Counted by the database.

        :raises LogUnavailable: the database cannot be read.
        """
        anybody = self.table.schema.anybody.c
        conditions = self._within(anybody.at, since, until)
        if besides is not None and (named := self._naming(besides, since, until)):
            conditions.append(anybody.event.not_in(bindparam("named", named, expanding=True, literal_execute=True)))
        rows, first, last = func.sum(anybody.rows), func.min(anybody.at), func.max(anybody.at)
        one = (
            select(anybody.touched, rows.label("rows"), first.label("first"), last.label("last"))
            .where(*conditions)
            .group_by(anybody.statement, anybody.touched)
            .subquery()
            .c
        )
        query = select(one.touched, func.count(), func.sum(one.rows), func.min(one.first), func.max(one.last))
        with reaching(self.table.engine), self.table.engine.connect() as connection:
            counted = connection.execute(query.group_by(one.touched)).all()
        found: dict[str | None, Unbounded] = {}
        for said, times, number, begin, end in counted:
            touched = _touched(said)
            some = Unbounded(
                touched.actor, self.table.time(begin), self.table.time(end), times, int(number), set(touched.tables)
            )
            known = found.setdefault(touched.actor, some)
            if known is not some:
                known.add(some)
        return by_times(found.values())

    def _naming(self, subject: str, since: datetime | None, until: datetime | None) -> list[int]:
        """The ids of unbounded events that name a person all the same: few, if any."""
        wanted = Wanted(subject=subject, kinds=frozenset({"outcome", "use"}), since=since, until=until)
        named = [(event.writer, event.seq) for event in self.find(wanted) if is_unbounded(event)]
        numbers = self.table.writers() if named else {}
        return [numbers[writer] * SEQS + seq for writer, seq in named]

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
        found = self._within(events.at, wanted.since, wanted.until)
        selective = False
        if wanted.subject is not None:
            mine = [subjects.event, subjects.at] if self.table.schema.dated else [subjects.event]
            of = select(*mine).where(subjects.subject == subject_key(wanted.subject))
            if self.table.schema.dated:
                of = of.where(*self._within(subjects.at, wanted.since, wanted.until))
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

    def _within(
        self, at: ColumnElement[Any], since: datetime | None, until: datetime | None
    ) -> list[ColumnElement[bool]]:
        """From one moment to before another."""
        found = [] if since is None else [at >= self.table.moment(since)]
        return found if until is None else [*found, at < self.table.moment(until)]

    def last(self, wanted: Wanted, count: int) -> list[Event]:
        """The last `count` events wanted, by time.

        :raises LogUnavailable: the database cannot be read.
        """
        return last_rows(self.table, wanted, count)

    def follow(self, wanted: Wanted) -> TableFollow:
        """The events wanted that come into the table from now on.

        :raises LogUnavailable: the database cannot be read.
        """
        return TableFollow(self.table, wanted)

    def status(self) -> LogStatus:
        """Its size, its writers, its first and last event.

        :raises LogUnavailable: the database cannot be read.
        """
        return table_status(self.table)

    def verify(
        self,
        *,
        key: VerifyingKey | Iterable[VerifyingKey] | None = None,
        second: Place | str | None = None,
        workers: int = 1,
        executor: Executor | None = None,
        resume: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> Verification:
        """See :meth:`EventTable.verify`; from the beginning, by this process or those of an executor, and it does not tell how
        far it is.
        """
        if executor is None and workers > 1 and self.table.url is not None and self._events() > _WORTH_PROCESSES:
            with Processes(workers) as pool:
                return self.table.verify(key=key, second=second, executor=pool)
        return self.table.verify(key=key, second=second, executor=executor)

    def _events(self) -> int:
        """About how many there are."""
        return sum(end % SEQS for _, end in self.table.ends().values())

    def writing(self) -> TableLog:
        """The table as a log, to write to as one more writer.

        :raises LogUnavailable: the database is away.
        """
        return TableLog(self.table.engine, name=self.table.schema.name, schema=self.table.schema.schema)

    def close(self) -> None:
        """Let go of the connections."""
        if self._own:
            self.table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


_touched = msgspec.json.Decoder(Touched).decode


def _in_pieces(numbers: list[int], size: int) -> Iterator[list[int]]:
    """A list in pieces."""
    return (numbers[begin : begin + size] for begin in range(0, len(numbers), size))
