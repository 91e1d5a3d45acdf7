"""Planning retention, and carrying it out: ``privacy.retention``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext
from datetime import UTC, date, datetime
from datetime import time as daytime

from sqlalchemy import Connection, Engine, Table, select
from sqlalchemy.orm import Session

from sa_privacy.bulk import Make, crew_of, require_keys
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.erasure.endings import Holding
from sa_privacy.customers.erasure.erasures import Erasures
from sa_privacy.customers.owned import known_tables
from sa_privacy.customers.retention.checks import check_schedules, faults_of
from sa_privacy.customers.retention.chunks import Destroy
from sa_privacy.customers.retention.counting import count
from sa_privacy.customers.retention.parts import Ground, Tools
from sa_privacy.customers.retention.plan import RetentionPlan
from sa_privacy.customers.retention.records import RECORDS, Records
from sa_privacy.customers.retention.rows import Rows
from sa_privacy.customers.retention.ruled import Rules
from sa_privacy.customers.retention.running import Progress, RetentionReport, Run
from sa_privacy.errors import PolicyError, RetentionRefused
from sa_privacy.ledger import Desk, must_be_sync
from sa_privacy.policy import Schedule

__all__ = ["Retention"]


class Retention:
    """Plans and carries out the policy's schedules.

    :param erasures: erase people whose time is over.
    :param record: writes an event into the access log.
    :param holding: which rows are under a hold.
    :param destroy: destroys people's keys; None: nothing is sealed under keys of theirs.
    :param keyed: whether something is.
    """

    def __init__(
        self,
        desk: Desk,
        erasures: Erasures,
        record: Callable[[str, bytes], int],
        holding: Callable[[], Holding | None] = lambda: None,
        destroy: Destroy | None = None,
        keyed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._desk = desk
        self._keyed = keyed
        self.tools = Tools(desk, erasures, record, holding, destroy)

    def check(self) -> None:
        """Whether the schedules can be carried out on the models. Asks the database nothing.

        :raises RetentionRefused: they cannot; every fault is named.
        """
        check_schedules(self.faults())

    def faults(self) -> list[str]:
        """What stands against carrying the schedules out on the models, a sentence for each."""
        policy, catalogue = self._desk.policy, self._desk.live.current()
        if not (policy.retention or policy.clocks):
            return []
        shreds = self.tools.destroy is not None and self._keyed()
        return faults_of(policy, catalogue, known_tables(self._desk.live), shreds=shreds)

    def plan(
        self,
        session: Session | Connection,
        *,
        as_of: date | datetime | None = None,
        schedule: str | None = None,
    ) -> RetentionPlan:
        """What would be done, and what is held back, by what, until when. Changes nothing, and reads each table once.

        :param as_of: a moment with its time zone, or a day, which begins in UTC; None: now. May lie ahead.
        :param schedule: this one alone.
        :raises RetentionRefused: a schedule cannot be carried out, or who acts is not among those who carry them out.
        """
        self._must_retain()
        self.check()
        moment = self._moment(as_of)
        with self._desk.open(session, everything=True, reading=True) as connection:
            rules = self.tools.rules(connection, moment)
            for table in {
                table.fullname: table for one in self._chosen(schedule) for table in self._tables(one)
            }.values():
                require_keys(connection, table.fullname, select(table), identity_of(table))
            found = [count(connection, rows, moment) for rows in self._rows(rules, schedule)]
            found += [records.count(connection, moment) for records in self._records(connection, schedule)]
        return RetentionPlan(moment, tuple(found))

    def run(
        self,
        engine: Engine | Connection,
        *,
        as_of: date | datetime | None = None,
        schedule: str | None = None,
        chunk: int = 1000,
        workers: int = 1,
        executor: Executor | None = None,
        make: Make | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> RetentionReport:
        """Carries the schedules out, in transactions of its own: one for each `chunk` of rows, one for each person erased.

        What is left to do stands in the data. A run that was stopped, at any moment, is simply begun anew. A second process that
        runs the same joins it.

        :param engine: or a connection without a transaction; for an ``AsyncConnection``, ``await connection.run_sync(...)``.
        :param as_of: as for :meth:`plan`, but not ahead of now.
        :param schedule: this one alone.
        :param chunk: so many rows at a time, all of them in memory.
        :param executor: any ``concurrent.futures.Executor`` that works on chunks; `workers`: how many it gets at once. People
            are erased by this process, one after the other.
        :param make: for workers in other processes: a function of a module that makes the engine, the ``Privacy`` that
            protects it, and a function that returns who acts: ``lambda: privacy.system("nightly")``.
        :param progress: called after each of them.
        :raises RetentionRefused: as for :meth:`plan`; nothing was changed.
        """
        must_be_sync(engine, Engine, Connection)
        if isinstance(engine, Connection) and engine.in_transaction():
            raise PolicyError(
                "retention makes transactions of its own, and the connection is in one.",
                hint="run(engine), or commit first.",
            )
        if isinstance(engine, Connection) and executor is not None:
            raise PolicyError("several workers do not share a connection.", hint="run(engine, executor=...).")
        connecting = engine.connect if isinstance(engine, Engine) else lambda: nullcontext(engine)
        if chunk < 1:
            raise PolicyError("a chunk is of one row at least.", hint="leave it out for the default.")
        moment = self._moment(as_of)
        if moment > self._desk.now():
            raise RetentionRefused(
                "nothing ends before its time: the moment lies ahead.", hint="plan(session, as_of=...) looks ahead."
            )
        with connecting() as connection, connection.begin():
            due = self.plan(connection, as_of=moment, schedule=schedule).due
        planned = {(one.schedule, one.table): one for one in due}
        said = None if as_of is None else moment
        work = Run(Ground(self.tools, connecting), moment, said, chunk, crew_of(executor, workers, make), progress)
        records = {one.name for one in RECORDS}
        reports = [
            work.schedule(name, table, due)
            for (name, table), due in planned.items()
            if name not in records or due.to_do
        ]
        return RetentionReport(moment, tuple(reports), work.nobodys() if schedule is None else 0)

    # -- what a run needs -----------------------------------------------------------------------------------------

    def _rows(self, rules: Rules, schedule: str | None) -> Iterator[Rows]:
        for one in self._chosen(schedule):
            for table in self._tables(one):
                yield Rows(rules, one, table)

    def _chosen(self, name: str | None) -> Collection[Schedule]:
        schedules = self._desk.policy.retention
        if name is None:
            return schedules.values()
        own = [one.name for one in RECORDS]
        if name not in schedules and name not in own:
            raise RetentionRefused(
                f'the policy has no schedule "{name}".', hint=f"schedules: {', '.join([*schedules, *own])}."
            )
        return [schedules[name]] if name in schedules else []

    def _tables(self, schedule: Schedule) -> list[Table]:
        """The tables that a schedule is about."""
        known = known_tables(self._desk.live)
        if schedule.table is not None:
            return [known[schedule.table]]
        return [
            known[table.name]
            for table in sorted(self._desk.live.current(), key=lambda one: one.name)
            if table.name in known and any(c.category == schedule.category for c in table.columns.values())
        ]

    def _records(self, connection: Connection, schedule: str | None) -> list[Records]:
        wanted = [one for one in RECORDS if schedule in (None, one.name)]
        return [one for one in wanted if one.are_there(connection)]

    def _moment(self, as_of: object) -> datetime:
        if as_of is None:
            return self._desk.now()
        if isinstance(as_of, datetime):
            if as_of.tzinfo is None:
                raise PolicyError("as_of= is a day, or a moment with its time zone.", hint="date(2027, 4, 1).")
            return as_of.astimezone(UTC)
        if isinstance(as_of, date):
            return datetime.combine(as_of, daytime(), UTC)
        raise PolicyError("as_of= is a day, or a moment with its time zone.", hint="date(2027, 4, 1).")

    def _must_retain(self) -> None:
        rules, held = self._desk.policy.erasure, self._desk.held()
        roles = rules.roles if rules is not None else frozenset()
        if held.system is None and roles.isdisjoint(held.roles):
            raise RetentionRefused(
                "who acts is not among those who end the life of data.",
                hint=f"a system of the policy; or the roles: {', '.join(sorted(roles)) or 'none, see [erasure] roles'}.",
            )
