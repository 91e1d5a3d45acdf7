"""Sealing what a live table holds, sealing it anew after a rotation, and unsealing it.

Plain values become cells where they are, row by row, while the application runs: its release reads both forms and writes
cells alone (``Privacy(..., accept_plaintext=...)``). A row is changed only where it still holds what was read of it, so a
concurrent write is never overwritten with stale data; each new value is verified by opening it before the old one goes.

What is left to do stands in the data: what is a cell, and under which key. So a job that was killed, at any moment, is
started again and goes on. Which of its chunks are under way, and whose they are, stands in the library's own tables, where
they are there: so several processes may be at one job (:mod:`sa_privacy.bulk`).

A job compares sealed values, which the gate refuses to all. So it works on an engine of its own, which no Privacy
protects, under a maintenance access, and writes an intent and an outcome for each batch into the access log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, select

from sa_privacy.accesslog import members
from sa_privacy.bulk import Crew, Make, Pace, Waiting, crew_of, require_keys
from sa_privacy.crypto import Keyring
from sa_privacy.crypto.ring import key_name
from sa_privacy.errors import CellRejected, KeyUnavailable, PolicyError
from sa_privacy.jobs.batch import Batch, connected, working_on
from sa_privacy.jobs.count import TableCount, count, rows_to_do
from sa_privacy.jobs.doctor import require_sealable
from sa_privacy.jobs.indexes import drop_lookups, make_lookups, missing_lookups
from sa_privacy.jobs.passes import Passes, Progress, Tally, Told
from sa_privacy.jobs.people import reseal_for_people
from sa_privacy.jobs.retype import declared_type, to_bytes, to_plain_type
from sa_privacy.jobs.target import Keeper, Target, keys_for_job, said_of, targets_of
from sa_privacy.jobs.values import Operation, change_of
from sa_privacy.jobs.worker import batch_at, work_of

__all__ = ["TableReport", "reseal", "seal", "unseal"]


@dataclass(frozen=True)
class TableReport:
    """What was done in one table.

    :param counted: what it held before.
    :param tally: what was changed; None for a dry run.
    :param seconds: how long it took, without counting.
    :param find: SQL that finds the rows that still have work.
    :param locked: of these, the seconds that the table was locked for the change of its columns' type (PostgreSQL).
    """

    operation: Operation
    counted: TableCount
    tally: Tally | None = None
    seconds: float = 0.0
    locked: float = 0.0
    find: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.tally is not None and not self.tally.remaining


def seal(engine: Engine, privacy: Keeper, columns: Sequence[str], **options: Any) -> list[TableReport]:
    """Seals what columns hold that the models say are sealed.

    :param engine: synchronous, of the job's own: no Privacy protects it.
    :param privacy: has the keys, the policy, the log and the models.
    :param columns: as ``"table.column"``; those of one table are sealed together, one UPDATE for each row.
    :param options: as for :func:`reseal`, and

        - ``stored_as``: by column, the type that wrote what is stored, where it is not the column's inner type. Worker
          processes take it from ``Privacy(..., stored_as=...)``.
        - ``lock_timeout``: PostgreSQL: seconds to wait, each of ten times, for the lock under which the column's type
          becomes BYTEA. Default 5.
    :raises NoAccess: no maintenance access is declared around it.
    :raises PolicyError: a column is not sealed by its model, or something in the database stands against it (see
        :func:`sa_privacy.jobs.examine`). Nothing was changed.
    :raises Busy: the database gave the job no turn. What was sealed until then is.
    """
    return _run("seal", engine, privacy, columns, **options)


def reseal(engine: Engine, privacy: Keeper, columns: Sequence[str], **options: Any) -> list[TableReport]:
    """Seals cells anew: under the keyring's primary key, or that of the person whose row it is, and with the lookup slots of
    the moment.

    :param options:
        - ``dry_run``: counts, and changes nothing.
        - ``batch``: rows of one transaction. Default 500.
        - ``rate``: rows a second at most.
        - ``executor``: any ``concurrent.futures.Executor``: threads, :class:`sa_privacy.jobs.Processes`,
          :class:`sa_privacy.jobs.Cluster` for a Dask client;
          ``workers``: how many chunks it gets at once.
        - ``make``: what workers in other processes begin with, a function of a module that makes the engine, and the
          ``Privacy`` with its keys. The log stays with the process that runs the job: ``log=None`` there.
        - ``progress``: called with a :class:`Progress` after each batch.
    :raises KeyUnavailable: a cell names a key that the ring does not hold.
    """
    return _run("reseal", engine, privacy, columns, **options)


def unseal(engine: Engine, privacy: Keeper, columns: Sequence[str], **options: Any) -> list[TableReport]:
    """Puts plain values where cells are, and gives the column its inner type back (PostgreSQL).

    The application must not write cells meanwhile: what it writes behind the job is done again, but not what comes after.

    :param options: as for :func:`seal`.
    """
    return _run("unseal", engine, privacy, columns, **options)


def _run(
    operation: Operation,
    engine: Engine,
    privacy: Keeper,
    columns: Sequence[str],
    *,
    dry_run: bool = False,
    stored_as: Mapping[str, Any] | None = None,
    batch: int = 500,
    rate: float | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    make: Make | None = None,
    progress: Callable[[Progress], object] | None = None,
    lock_timeout: float = 5.0,
) -> list[TableReport]:
    if batch < 1 or (rate is not None and rate < 1):
        raise PolicyError("batch and rate are numbers from 1 up.", hint="leave them out for the defaults.")
    said, pace, crew = said_of(operation, privacy), Pace(batch, rate), crew_of(executor, workers, make)
    keys, every = keys_for_job(privacy), targets_of(privacy, columns, stored_as)
    theirs = [target for target in every if target.by_subject]
    targets = [target for target in every if not target.by_subject]
    reports = []
    if theirs and operation != "reseal":
        _refuse_for_people(operation, theirs)
    with working_on(engine, keys):
        with connected(engine) as connection:
            for target in every:
                require_keys(connection, target.name, select(target.table), target.key)
            for target in targets:  # all of them before the first is touched
                if operation == "seal":
                    require_sealable(connection, target)
                elif operation == "unseal" and engine.dialect.name == "postgresql":
                    for column in target.columns:
                        declared_type(connection, target, column)
            connection.rollback() if dry_run else connection.commit()
        jobs = []
        for target in targets:
            with connected(engine) as connection:
                counted = count(connection, target, operation, keys)
            _require_keys(counted, keys)
            if dry_run:
                reports.append(TableReport(operation, counted))
            else:
                jobs.append(_Job(operation, engine, privacy, target, said, lock_timeout, counted))
        for job in jobs:  # every table can be written and searched by the new release before the first is sealed
            job.prepare()
        reports += [job.run(pace, crew, progress) for job in jobs]
        for target in theirs:
            counted, tally, seconds = reseal_for_people(
                engine, privacy, target, said, pace=pace, crew=crew, dry_run=dry_run, progress=progress
            )
            reports.append(TableReport(operation, counted, tally, seconds))
    return reports


def _refuse_for_people(operation: Operation, targets: Sequence[Target]) -> NoReturn:
    names = [name for target in targets for name in target.names]
    raise PolicyError(
        f"{', '.join(names)}: {operation} is not for columns under people's keys.",
        hint='seal them under the keyring first, without key="subject"; then say it, and reseal them.'
        if operation == "seal"
        else "read the values, and write them into a column of their own.",
        columns=names,
    )


def _require_keys(counted: TableCount, keys: Keyring) -> None:
    """Refuses a ring that does not open the cells that are there: it is most likely another application's.

    :raises KeyUnavailable: names the columns and the ids of the keys.
    """
    held = {key_name(key_id) for key_id in keys.ids}
    strange = {
        column.name: sorted(column.keys.keys() - held) for column in counted.columns if column.keys.keys() - held
    }
    if strange:
        ids = sorted({key_id for found in strange.values() for key_id in found})
        raise KeyUnavailable(
            f"{', '.join(strange)}: there are cells under {'keys' if len(ids) > 1 else 'key'} {', '.join(ids)}, "
            "which the keyring does not hold.",
            hint="give the keyring that the application uses; a second one would seal what the application cannot open.",
            columns=tuple(strange),
        )


class _Job:
    """One operation on one table."""

    def __init__(
        self,
        operation: Operation,
        engine: Engine,
        privacy: Keeper,
        target: Target,
        said: bytes,
        lock_timeout: float,
        counted: TableCount,
    ) -> None:
        self._counted = counted
        self._locked = 0.0
        self._operation: Operation = operation
        self._engine = engine
        self._privacy = privacy
        self._keys = keys_for_job(privacy)
        self._target = target
        self._said = said
        self._lock_timeout = lock_timeout
        names = sorted(target.names)
        self._members = (
            said
            + b","
            + members(
                reads=names,
                matches=names,
                writes=names,
                statement=f"job:{operation}",
                decision="allowed",
                policy=privacy.policy.hash,
                unbounded=True,
            )
        )

    def prepare(self) -> None:
        """Makes the table ready: columns that take cells (PostgreSQL), and the lookup indexes that are missing."""
        for column in self._target.columns:  # what cannot be done is said before the table is touched
            change_of(self._operation, self._target, column, self._engine.dialect, self._keys)
        if self._operation == "seal":
            with connected(self._engine) as connection:
                missing_lookups(connection, self._target)
        if self._counted.rewritten:
            self._locked = self._retype(lambda c: to_bytes(c, self._target, self._lock_timeout))
        if self._operation == "seal":
            with connected(self._engine) as connection, connection.begin():
                make_lookups(connection, self._target)

    def run(self, pace: Pace, crew: Crew, progress: Callable[[Progress], object] | None) -> TableReport:
        start, done, counted = time.monotonic(), 0, self._counted

        def tell(rows: int, waiting: Waiting | None) -> None:
            nonlocal done
            done += rows
            if progress is not None:
                total = max(done, counted.to_do)
                progress(Progress(self._target.name, done, total, time.monotonic() - start, waiting))

        names, limit = self._target.names, 2 * pace.size
        batch = Batch(self._engine, self._target, self._operation, self._keys, limit)
        work = work_of(self._operation, self._target.name, names, self._keys)
        told = Told(self._privacy.record, self._members, tell)
        said = (self._operation, names, work.hash, limit)
        passes = Passes(self._engine, work, batch, batch_at, said, pace=pace, crew=crew, told=told)
        tally = passes.run(self._remaining(batch))
        if self._operation == "unseal" and not tally.remaining:
            if self._engine.dialect.name == "postgresql":
                self._locked = self._retype(
                    lambda c: to_plain_type(c, self._target, self._lock_timeout, lambda c: self._last(c, batch, tally))
                )
            else:
                with connected(self._engine) as connection, connection.begin():
                    drop_lookups(connection, self._target)
        seconds = time.monotonic() - start
        left = batch.sql.left_over(self._operation)
        return TableReport(self._operation, counted, tally, seconds, self._locked, left)

    def _remaining(self, batch: Batch) -> Callable[[], int] | None:
        """Says how many rows still have work. The slots of a cell are compared by its value alone: there a pass looks at all
        cells, and knows.
        """
        if self._operation == "reseal" and any(
            self._target.sealed_type(column).lookup is not None for column in self._target.columns
        ):
            return None

        def ask() -> int:
            with connected(self._engine) as connection:
                return rows_to_do(connection, batch.sql, self._operation)

        return ask

    def _retype(self, change: Callable[[Connection], float]) -> float:
        intent = self._privacy.record("intent", self._members)
        with connected(self._engine) as connection:
            locked = change(connection)
        self._privacy.record("outcome", self._members + b"," + members(intent=intent, rows=None, subjects=None))
        return locked

    def _last(self, connection: Connection, batch: Batch, tally: Tally) -> None:
        """The cells that came until the table was locked."""
        full = True
        while full:
            done = batch.finish(connection)
            full = done.full
            tally.changed += done.changed
            tally.values += done.values.total()
            if not full and not done.stuck:
                drop_lookups(connection, self._target)  # PostgreSQL has no such key of text
            if done.stuck:
                raise CellRejected(
                    f"{self._target.name}: cells that do not open came while the column was being unsealed.",
                    hint="see what writes there; nothing was lost, and the job can be run again.",
                    columns=self._target.names,
                )
