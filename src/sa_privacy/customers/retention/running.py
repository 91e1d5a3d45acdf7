"""One run of retention: schedule by schedule, each in transactions of its own, each of them in the access log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, not_
from sqlalchemy.exc import DBAPIError, OperationalError

from sa_privacy.accesslog import members
from sa_privacy.customers.destruction import Graph, Survey
from sa_privacy.customers.destruction.emptied import EMPTIED, forget_where
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.erasure.endings import Holding
from sa_privacy.customers.erasure.erasures import Erasures
from sa_privacy.customers.owned import known_tables
from sa_privacy.customers.retention.chunks import Chunk, Destroy, Done, end_chunk, keys_left, shred_chunk
from sa_privacy.customers.retention.nobodys import end_nobodys
from sa_privacy.customers.retention.plan import Due
from sa_privacy.customers.retention.records import RECORDS, Records
from sa_privacy.customers.retention.rows import Rows, values_of
from sa_privacy.customers.retention.ruled import Rules, surely
from sa_privacy.errors import ErasureRefused, PlanMoved, RetentionRefused, UnknownPerson
from sa_privacy.gate.evidence import access_members
from sa_privacy.ledger import PASSES, Desk
from sa_privacy.policy import Schedule

__all__ = ["Progress", "RetentionReport", "Run", "ScheduleReport", "Tools"]

_TURNS: Final = 3
#: So many records at a time: each may be of many people.
_RECORDS: Final = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is with one schedule in one table.

    :param total: as many rows as there were to do when it began.
    """

    schedule: str
    table: str
    done: int
    total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.done / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class ScheduleReport:
    """What was done for one schedule in one table.

    :param planned: what there was to do.
    :param rows: rows that ended, or people who were erased.
    :param changed: by table, what was done there, with what hangs on the rows: ``{"items": {"delete": 12}}``.
    :param held: rows that stayed for what came to light when they were to go: a guard on something of the person's, a row
        that hangs on them.
    """

    planned: Due
    rows: int
    changed: Mapping[str, Mapping[str, int]]
    held: int
    seconds: float


@dataclass(frozen=True)
class RetentionReport:
    """What a run did.

    :param nobodys: shells that nothing leads to any more, and that went.
    """

    as_of: datetime
    done: tuple[ScheduleReport, ...] = field(default=())
    nobodys: int = 0

    @property
    def rows(self) -> int:
        """How many rows ended."""
        return sum(one.rows for one in self.done)


@dataclass(frozen=True)
class Tools:
    """What retention works with.

    :param erasures: erase people whose time is over.
    :param record: writes an event into the access log.
    :param holding: which rows are under a hold.
    :param destroy: destroys people's keys; None: there are none.
    """

    desk: Desk
    erasures: Erasures
    record: Callable[[str, bytes], int]
    holding: Callable[[], Holding | None]
    destroy: Destroy | None

    def rules(self, connection: Connection, moment: datetime) -> Rules:
        """The policy as of a moment."""
        policy, catalogue = self.desk.policy, self.desk.live.current()
        graph = Graph(known_tables(self.desk.live))
        schedules = policy.retention.values()
        values = {one.table: values_of(schedules, one.table) for one in schedules if one.table is not None}
        survey = Survey(graph, catalogue, values)
        return Rules(policy, catalogue, graph, survey, moment, connection, self.holding())


class Run:
    """One run."""

    def __init__(
        self,
        tools: Tools,
        connection: Connection,
        moment: datetime,
        chunk: int,
        progress: Callable[[Progress], object] | None,
    ) -> None:
        self._tools = tools
        self._desk = tools.desk
        self._connection = connection
        self._moment = moment
        self._chunk = chunk
        self._progress = progress

    def schedule(self, name: str, table: str, due: Due) -> ScheduleReport:
        """Does what one schedule says in one table."""
        start, done = time.monotonic(), Done()
        for part in self._parts(name, table):
            done.add(part)
            if self._progress is not None:
                rows, seconds = done.rows + done.blocked, time.monotonic() - start
                self._progress(Progress(name, table, rows, max(rows, due.to_do), seconds))
        changed: dict[str, dict[str, int]] = {}
        for (where, verb), times in sorted(done.changed.items()):
            changed.setdefault(where, {})[verb] = times
        return ScheduleReport(due, done.rows, changed, done.blocked, time.monotonic() - start)

    def nobodys(self) -> int:
        """Removes shells that nothing leads to any more."""
        with self._transaction(deletes=[EMPTIED.name]) as connection:
            return end_nobodys(connection, self._tools.rules(connection, self._moment))

    def _parts(self, name: str, table: str) -> Iterator[Done]:
        for records in RECORDS:
            if records.name == name:
                yield from self._of_records(records)
                return
        schedule = self._desk.policy.retention[name]
        known = known_tables(self._desk.live)[table]
        with self._rows(schedule, known) as (rows, _):
            erased = rows.erased
            forget_where(self._connection, known, name, rows.unseen(), not_(surely(rows.due())))
            said = self._said(rows)
        if erased:
            yield from self._of_people(schedule, known)
            return
        after = None
        while True:
            intent = self._tools.record("intent", said)
            chunk = self._end_chunk(schedule, known, after)
            self._outcome(said, intent, chunk.done.rows)
            yield chunk.done
            if chunk.after is None:
                return
            after = chunk.after

    def _end_chunk(self, schedule: Schedule, table: Table, after: tuple[Any, ...] | None, turns: int = _TURNS) -> Chunk:
        """The next chunk; once more where somebody changed rows in it meanwhile, which undid it."""
        try:
            with self._rows(schedule, table) as (rows, rules):
                if schedule.action == "shred" and self._tools.destroy is not None:
                    return shred_chunk(self._connection, rows, self._tools.destroy, self._chunk)
                return end_chunk(self._connection, rows, rules, after, self._chunk)
        except PlanMoved:
            if turns == 1:
                raise
            return self._end_chunk(schedule, table, after, turns - 1)

    def _of_records(self, records: Records) -> Iterator[Done]:
        said = self._members([records.name], records.name)
        rows = size = min(self._chunk, _RECORDS)
        while rows == size:
            intent = self._tools.record("intent", said)
            with self._transaction(deletes=records.tables) as connection:
                rows = records.end(connection, self._moment, size)
            self._outcome(said, intent, rows)
            yield Done(rows, Counter({(records.name, "delete"): rows}))

    def _of_people(self, schedule: Schedule, table: Table) -> Iterator[Done]:
        """People whose time is over are erased, one after the other."""
        known = self._desk.live.current().by_name[table.fullname]
        assert known.subject is not None  # noqa: S101 - they are people
        kind, key = known.subject.kind, next(column for column in table.columns if column.name == known.subject.key)
        width, after = len(identity_of(table)), None
        while True:
            with self._rows(schedule, table) as (rows, _):
                wanted = keys_left(rows, after, self._chunk, key, lock=False)
                found = [tuple(row) for row in self._connection.execute(wanted).all()]
            for row in found:
                yield self._person(schedule, table, (kind, row[width]), row[:width])
            if len(found) < self._chunk:
                return
            after = found[-1][:width]

    def _person(self, schedule: Schedule, table: Table, subject: tuple[str, Any], row: tuple[Any, ...]) -> Done:
        erasures = self._tools.erasures
        for _ in range(_TURNS):
            try:
                with self._connection.begin():
                    plan = erasures.plan(self._connection, subject)
                with self._rows(schedule, table) as (rows, _):  # not before: what comes between moves the plan
                    before = keys_left(rows, None, 1, lock=False).where(
                        *(column == value for column, value in zip(identity_of(table), row, strict=True))
                    )
                    if self._connection.execute(before).first() is None:
                        return Done()
                if plan.held:
                    return Done(blocked=1)
                erasures.run(self._connection, plan, reason=f"retention: {schedule.name}")
            except PlanMoved:
                continue
            except UnknownPerson:
                return Done()
            except ErasureRefused:
                return Done(blocked=1)
            changed = Counter[tuple[str, str]]()
            for name, verbs in plan.counts.items():
                changed.update({(name, verb): times for verb, times in verbs.items()})
            return Done(1, changed)
        return Done(blocked=1)

    # -- transactions and events ----------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, *, deletes: Collection[str]) -> Iterator[Connection]:
        connection = self._connection
        with (
            connection.begin(),
            self._desk.whole(connection),
            self._desk.open(connection, everything=True, deletes=deletes),
        ):
            yield connection

    @contextmanager
    def _rows(self, schedule: Schedule, table: Table) -> Iterator[tuple[Rows, Rules]]:
        """The schedule in the table, in a transaction of its own."""
        with self._transaction(deletes=[EMPTIED.name, PASSES.name]) as connection:
            rules = self._tools.rules(connection, self._moment)
            try:
                yield Rows(rules, schedule, table), rules
            except OperationalError:  # somebody else's turn, or the database is gone: it says so itself
                raise
            except DBAPIError as error:
                raise RetentionRefused(
                    f'the database refused what the schedule "{schedule.name}" does in {table.fullname}: '
                    f"{type(error.orig).__name__}.",
                    hint="the chunk was undone, and those before it stand; a constraint may need [retention.NAME.values].",
                ) from None

    def _said(self, rows: Rows) -> bytes:
        known = rows.known
        names = sorted(c.name for c in known.columns.values()) if known is not None else []
        return self._members(names, rows.schedule.name)

    def _members(self, names: list[str], schedule: str) -> bytes:
        """What all events of a schedule say."""
        said = members(
            reads=names,
            matches=names,
            writes=names,
            statement=f"job:retention:{schedule}",
            decision="allowed",
            policy=self._desk.policy.hash,
            unbounded=True,
        )
        return access_members(self._desk.held()) + b"," + said

    def _outcome(self, said: bytes, intent: int, rows: int) -> None:
        self._tools.record("outcome", said + b"," + members(intent=intent, rows=rows, subjects=None))
