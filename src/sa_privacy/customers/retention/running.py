"""One run of retention: schedule by schedule, each in transactions of its own, each of them in the access log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import Table, not_

from sa_privacy.accesslog import members
from sa_privacy.bulk import ALL, Course, Crew, Pace, Task, Waiting, board_of, crew_of, cutting, enlist
from sa_privacy.customers.destruction.emptied import EMPTIED, forget_where
from sa_privacy.customers.owned import known_tables
from sa_privacy.customers.retention.chunks import Done
from sa_privacy.customers.retention.nobodys import end_nobodys
from sa_privacy.customers.retention.parts import Ground, Part, People, part_at, work_of
from sa_privacy.customers.retention.plan import Due
from sa_privacy.customers.retention.records import RECORDS, Records
from sa_privacy.customers.retention.rows import Rows
from sa_privacy.customers.retention.ruled import surely
from sa_privacy.gate.statements.evidence import access_members
from sa_privacy.ledger import Desk
from sa_privacy.policy import Schedule

__all__ = ["Progress", "RetentionReport", "Run", "ScheduleReport"]

#: So many records at a time: each may be of many people.
_RECORDS: Final = 100
#: So many people are leased at a time: each is erased in a transaction of their own.
_PEOPLE: Final = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is with one schedule in one table.

    :param total: as many rows as there were to do when it began.
    :param waiting: for what it waits: all that is left is leased by other processes. None: it works.
    """

    schedule: str
    table: str
    done: int
    total: int
    seconds: float
    waiting: Waiting | None = None

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


class Run:
    """One run.

    :param as_of: as of which moment, where somebody said one: who begins the same run joins it.
    """

    def __init__(
        self,
        ground: Ground,
        moment: datetime,
        as_of: datetime | None,
        chunk: int,
        crew: Crew,
        progress: Callable[[Progress], object] | None,
    ) -> None:
        self._ground, self._tools, self._desk = ground, ground.tools, ground.tools.desk
        self._moment, self._as_of = moment, as_of
        self._chunk = chunk
        self._crew = crew
        self._progress = progress
        self._job = uuid4().hex

    def schedule(self, name: str, table: str, due: Due) -> ScheduleReport:
        """Does what one schedule says in one table."""
        start, done = time.monotonic(), Done()

        def tell(waiting: Waiting | None) -> None:
            if self._progress is not None:
                rows, seconds = done.rows + done.blocked, time.monotonic() - start
                self._progress(Progress(name, table, rows, max(rows, due.to_do), seconds, waiting))

        def ended(part: Done) -> None:
            done.add(part)
            tell(None)

        records = next((one for one in RECORDS if one.name == name), None)
        if records is not None:
            for part in self._of_records(records):
                ended(part)
        else:
            schedule, about = self._desk.policy.retention[name], known_tables(self._desk.live)[table]
            self._of_rows(schedule, about, due, ended, tell)
        changed: dict[str, dict[str, int]] = {}
        for (where, verb), times in sorted(done.changed.items()):
            changed.setdefault(where, {})[verb] = times
        return ScheduleReport(due, done.rows, changed, done.blocked, time.monotonic() - start)

    def nobodys(self) -> int:
        """Removes shells that nothing leads to any more."""
        with self._ground.transaction(deletes=[EMPTIED.name]) as connection:
            return end_nobodys(connection, self._tools.rules(connection, self._moment))

    def _of_rows(
        self,
        schedule: Schedule,
        table: Table,
        due: Due,
        told: Callable[[Done], object],
        waits: Callable[[Waiting], object],
    ) -> None:
        with self._ground.rows(schedule, table, self._moment) as (connection, rows, _):
            forget_where(connection, table, schedule.name, rows.unseen(), not_(surely(rows.due())))
            said, erased = self._said(rows), rows.erased
            # Ledgers let one person be erased at a time, so that more workers would wait for each other.
            crew, size = (crew_of(None), min(self._chunk, _PEOPLE)) if erased else (self._crew, self._chunk)
            work = work_of(schedule.name, table.fullname, self._desk.policy.hash, self._as_of, size)
            board = board_of(connection, work, self._ground.transaction, crew)
            begun = board.is_begun(connection)

        def ended(intent: int, done: Done) -> None:
            self._outcome(said, intent, done.rows)
            told(done)

        if due.to_do <= size and rows.only_go and crew.is_this_thread and not begun:
            if due.to_do:
                part = Part(self._ground, schedule, table, self._moment, size)
                ended(self._tools.record("intent", said), part.carry_out(ALL))
            return
        moment: datetime | None = None
        while moment is None or moment < self._moment:  # whoever joins an older run does theirs first
            moment = board.begin(self._moment)
            part = (People if erased else Part)(self._ground, schedule, table, moment, size)
            given = (schedule.name, table.fullname, moment.isoformat(), size, self._desk.policy.hash)
            with enlist(_Carried(part, self._desk)) as here:
                Course(
                    board,
                    crew,
                    Task(self._job, here, part_at, given, crew.make),
                    cutting(part.end_of_range, size),
                    Pace(size),
                    begun=lambda: self._tools.record("intent", said),
                    ended=ended,
                    settled=Done,
                    waits=waits,
                ).run()

    def _of_records(self, records: Records) -> Iterator[Done]:
        said = self._members([records.name], records.name)
        rows = size = min(self._chunk, _RECORDS)
        while rows == size:
            intent = self._tools.record("intent", said)
            with self._ground.transaction(deletes=records.tables) as connection:
                rows = records.end(connection, self._moment, size)
            self._outcome(said, intent, rows)
            yield Done(rows, Counter({(records.name, "delete"): rows}))

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


class _Carried:
    """A part for other threads: the access under which it is done goes with it."""

    def __init__(self, part: Part, desk: Desk) -> None:
        self.carry_out = desk.scopes.carry(part.carry_out)
