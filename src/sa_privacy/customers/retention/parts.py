"""What a worker does of one schedule in one table: ranges of keys, each of them one transaction, wherever the worker is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError, OperationalError

from sa_privacy.bulk import (
    CHUNKS,
    WORKS,
    Key,
    Lease,
    LeaseLost,
    Station,
    Work,
    end_of,
    mark_done,
    patiently,
    range_of,
    within,
)
from sa_privacy.customers.destruction import Graph, Survey
from sa_privacy.customers.destruction.emptied import EMPTIED
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.erasure.endings import Holding
from sa_privacy.customers.erasure.erasures import Erasures
from sa_privacy.customers.owned import known_tables
from sa_privacy.customers.retention.chunks import Destroy, Done, end_rows, keys_left, left_in, shred_rows
from sa_privacy.customers.retention.rows import Rows, values_of
from sa_privacy.customers.retention.ruled import Rules
from sa_privacy.errors import ErasureRefused, NoAccess, PlanMoved, PolicyError, RetentionRefused, UnknownPerson
from sa_privacy.ledger import PASSES, Desk
from sa_privacy.policy import Schedule

__all__ = ["Ground", "Part", "People", "Tools", "part_at", "work_of"]

_TURNS: Final = 3


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


@dataclass(frozen=True)
class Ground:
    """Where retention works.

    :param connecting: gives a connection that is in no transaction.
    """

    tools: Tools
    connecting: Callable[[], AbstractContextManager[Connection]]

    @contextmanager
    def transaction(self, *, deletes: Collection[str] = (WORKS.name, CHUNKS.name)) -> Iterator[Connection]:
        """A transaction in which everything is reached.

        :param deletes: tables of the library that rows are removed from.
        """
        desk = self.tools.desk
        with (
            self.connecting() as connection,
            connection.begin(),
            desk.open(connection, everything=True, deletes=deletes),
        ):
            desk.begin_to_write(connection)
            yield connection

    @contextmanager
    def rows(self, schedule: Schedule, table: Table, moment: datetime) -> Iterator[tuple[Connection, Rows, Rules]]:
        """A schedule in a table, in a transaction of its own."""
        with self.transaction(deletes=[EMPTIED.name, PASSES.name]) as connection:
            rules = self.tools.rules(connection, moment)
            try:
                yield connection, Rows(rules, schedule, table), rules
            except DBAPIError as error:
                if isinstance(error, OperationalError) or error.connection_invalidated:
                    raise  # somebody else's turn, or the database is gone: it says so itself
                raise RetentionRefused(
                    f'the database refused what the schedule "{schedule.name}" does in {table.fullname}: '
                    f"{type(error.orig).__name__}.",
                    hint="the chunk was undone, and those before it stand; a constraint may need [retention.NAME.values].",
                ) from None


class Part:
    """One schedule in one table.

    :param moment: as of which it is carried out.
    :param size: rows of one chunk.
    """

    def __init__(self, ground: Ground, schedule: Schedule, table: Table, moment: datetime, size: int) -> None:
        self._ground, self._schedule, self._table, self._moment, self._size = ground, schedule, table, moment, size

    def end_of_range(self, after: Key | None, size: int) -> Key | None:
        """The key with which a range of `size` rows ends with which something is to be done; None: there are fewer."""

        def ask() -> Key | None:
            with self._rows() as (connection, rows, _):
                wanted = end_of(left_in(rows), identity_of(self._table), after, size)
                found = connection.execute(wanted).first()
            return None if found is None else tuple(found)

        return patiently(ask)

    def carry_out(self, lease: Lease) -> Done:
        """Does with the rows of a chunk what the schedule says; once more where somebody changed rows in it meanwhile, which
        undid it.
        """
        for turn in range(_TURNS):
            try:
                return patiently(lambda: self._end(lease))
            except PlanMoved:
                if turn == _TURNS - 1:
                    raise
        raise AssertionError  # pragma: no cover

    def _end(self, lease: Lease) -> Done:
        tools = self._ground.tools
        with self._rows() as (connection, rows, rules):
            inside = within(identity_of(self._table), range_of(connection, lease))
            if self._schedule.action == "shred" and tools.destroy is not None:
                done = shred_rows(connection, rows, tools.destroy, inside, 2 * self._size)
            else:
                done = end_rows(connection, rows, rules, inside, 2 * self._size)
            mark_done(connection, lease, done.rows)
        return done

    def _rows(self) -> AbstractContextManager[tuple[Connection, Rows, Rules]]:
        return self._ground.rows(self._schedule, self._table, self._moment)


class People(Part):
    """People whose time is over: they are erased one after the other, each in a transaction of their own."""

    def carry_out(self, lease: Lease) -> Done:
        known = self._ground.tools.desk.live.current().by_name[self._table.fullname]
        assert known.subject is not None  # noqa: S101 - they are people
        key = next(column for column in self._table.columns if column.name == known.subject.key)
        identity = identity_of(self._table)
        with self._rows() as (connection, rows, _):
            inside = within(identity, range_of(connection, lease))
            wanted = keys_left(rows, inside, 2 * self._size, key, lock=False)
            found = [tuple(row) for row in connection.execute(wanted).all()]
        done = Done()
        for row in found:
            done.add(self._person((known.subject.kind, row[len(identity)]), row[: len(identity)]))
        with suppress(LeaseLost), self._ground.transaction() as connection:  # they are erased, whoever has it
            mark_done(connection, lease, done.rows)
        return done

    def _person(self, subject: tuple[str, Any], row: Key) -> Done:
        erasures = self._ground.tools.erasures
        for _ in range(_TURNS):
            try:
                with self._ground.connecting() as connection:
                    with connection.begin():
                        plan = erasures.plan(connection, subject)
                    if not self._is_due(row):  # asked now, and not before: what comes between moves the plan
                        return Done()
                    if plan.held:
                        return Done(blocked=1)
                    erasures.run(connection, plan, reason=f"retention: {self._schedule.name}")
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

    def _is_due(self, row: Key) -> bool:
        identity = identity_of(self._table)
        with self._rows() as (connection, rows, _):
            same = [column == value for column, value in zip(identity, row, strict=True)]
            return connection.execute(keys_left(rows, same, 1, lock=False)).first() is not None


def work_of(schedule: str, table: str, policy: str, as_of: datetime | None, size: int) -> Work:
    """What is done for one schedule in one table.

    :param policy: its hash.
    :param as_of: None: as of when it was begun.
    :param size: rows of one chunk: nobody takes over chunks that are larger than their own.
    """
    return Work(f"retention: {schedule}", table, (policy, "" if as_of is None else as_of.isoformat(), str(size)))


def part_at(station: Station, schedule: str, table: str, moment: str, size: int, policy: str) -> _Acting:
    """The same part, at a station.

    :param policy: its hash, where the run was begun.
    :raises PolicyError: the station has another one.
    :raises NoAccess: nothing says who acts there.
    """
    if station.access is None:
        raise NoAccess(
            "nobody acts in the worker process.",
            hint='make() returns engine, privacy, and who acts: lambda: privacy.system("nightly").',
        )
    tools: Tools = station.privacy.retention.tools
    if tools.desk.policy.hash != policy:
        raise PolicyError(
            "a worker has another policy than the process that runs retention.", hint="give all the same."
        )
    ground = Ground(tools, station.engine.connect)
    known = known_tables(tools.desk.live)[table]
    part = Part(ground, tools.desk.policy.retention[schedule], known, datetime.fromisoformat(moment), size)
    return _Acting(part, station.access)


class _Acting:
    """A part for which somebody acts."""

    def __init__(self, part: Part, access: Callable[[], Any]) -> None:
        self._part, self._access = part, access

    def carry_out(self, lease: Lease) -> Done:
        """The same, and who does it is in the log."""
        with self._access():
            return self._part.carry_out(lease)
