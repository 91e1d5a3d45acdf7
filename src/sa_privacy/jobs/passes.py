"""Passes over one table: ranges of keys are cut, handed to workers, and told of in the log, until nothing is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from sa_privacy.accesslog import members
from sa_privacy.jobs.batch import Batch, Chunk, Done, connected, patiently
from sa_privacy.jobs.count import rows_to_do
from sa_privacy.jobs.sql import Key
from sa_privacy.jobs.target import Target
from sa_privacy.jobs.values import Operation
from sa_privacy.jobs.worker import enlist, work

__all__ = ["Inline", "Pace", "Passes", "Progress", "Tally"]

_PASSES = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is with one table.

    :param done: rows that were looked at, of `total` that had work when it began.
    :param seconds: since it began.
    """

    table: str
    done: int
    total: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None where there is nothing to go by."""
        return (self.total - self.done) / self.rate if self.done else None


@dataclass
class Tally:
    """What all passes did together.

    :param rejected: by column, values that hold no value of the type, or would not come back the same: left as they were.
    :param refused: by column, values of rows that the database refused (a unique index over lookups: the value is there
        twice): left as they were.
    :param remaining: rows that still have work.
    """

    changed: int = 0
    values: int = 0
    lost: int = 0
    passes: int = 0
    remaining: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Pace:
    """How fast a job may go.

    :param batch: rows of one transaction.
    :param rate: rows a second, of all workers together; None: as fast as it goes.
    :param workers: chunks that are worked on at once.
    """

    batch: int = 500
    rate: float | None = None
    workers: int = 1

    @property
    def size(self) -> int:
        """Rows of one chunk: no more than one second's."""
        return self.batch if self.rate is None else max(1, min(self.batch, int(self.rate)))


class Inline(Executor):
    """An executor that works at once, in the thread that asks."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Passes:
    """Works on one target until nothing is left.

    :param record: writes one event; `members` are those that all of them share.
    """

    def __init__(
        self,
        engine: Engine,
        target: Target,
        operation: Operation,
        batch: Batch,
        *,
        pace: Pace,
        executor: Executor,
        record: Callable[[str, bytes], int],
        members: bytes,
        tell: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._target = target
        self._operation: Operation = operation
        self._batch = batch
        self._pace = pace
        self._executor = executor
        self._record = record
        self._members = members
        self._tell = tell
        self._start = time.monotonic()
        self._handed_out = 0

    def run(self) -> Tally:
        """Passes over the table, until one finds nothing that it could do, or twenty of them did not find the end."""
        tally = Tally()
        # The slots of a cell are compared by its value alone: there a pass has to look at all cells.
        exact = self._operation != "reseal" or not any(
            self._target.sealed_type(column).lookup is not None for column in self._target.columns
        )
        with enlist(self._batch) as job:
            for turn in range(_PASSES):
                one = self._pass(job)
                tally.passes += 1
                tally.changed += one.changed
                tally.values += one.values.total()
                tally.lost += one.lost
                tally.rejected, tally.refused = one.rejected, one.refused
                tally.remaining = self._remaining() if exact else one.lost + one.stuck
                if not one.lost and not one.full and tally.remaining <= one.stuck:
                    break
                time.sleep(min(2.0, 0.02 * 2**turn))
        return tally

    def _remaining(self) -> int:
        with connected(self._engine) as connection:
            return rows_to_do(connection, self._batch.sql, self._operation)

    def _pass(self, job: str) -> Done:
        total, pending = Done(), dict[Future[Done], int]()
        try:
            for after, upto in self._ranges():
                while len(pending) >= self._pace.workers:
                    self._collect(pending, total)
                self._wait_for_turn()
                intent = self._record("intent", self._members)
                names = self._target.names
                chunk = Chunk(job, self._operation, names, after, upto, limit=2 * self._pace.size)
                pending[self._executor.submit(work, chunk)] = intent
            while pending:
                self._collect(pending, total)
        except BaseException:
            for future in pending:
                future.cancel()
            wait(pending)
            raise
        return total

    def _collect(self, pending: dict[Future[Done], int], total: Done) -> None:
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            intent, done = pending.pop(future), future.result()
            said = members(intent=intent, rows=done.changed, subjects=None, cells=dict(done.values))
            self._record("outcome", self._members + b"," + said)
            total.add(done)
            self._tell(done.rows)

    def _ranges(self) -> Iterator[tuple[Key | None, Key | None]]:
        """Ranges with one chunk's rows each; the last may have no end. None are cut where there is no work."""
        after: Key | None = None
        while (upto := self._end_of_range(after)) is not None:
            yield after, upto
            after = upto
        if self._end_of_range(after, size=1) is not None:
            yield after, None

    def _end_of_range(self, after: Key | None, size: int | None = None) -> Key | None:
        statement, parameters = self._batch.sql.end_of_range(self._operation, after, size or self._pace.size)

        def ask() -> Key | None:
            with connected(self._engine) as connection:
                found = connection.exec_driver_sql(statement, parameters).first()
            return None if found is None else tuple(found)

        return patiently(ask)

    def _wait_for_turn(self) -> None:
        if self._pace.rate is not None:
            due = self._start + self._handed_out / self._pace.rate
            time.sleep(max(0.0, due - time.monotonic()))
        self._handed_out += self._pace.size
