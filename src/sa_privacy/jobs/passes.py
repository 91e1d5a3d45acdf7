"""Passes over one table: chunks are given out to workers, and told of in the log, until nothing is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

from sqlalchemy import Connection, Engine

from sa_privacy.accesslog import members
from sa_privacy.bulk import Course, Crew, Key, Lease, Pace, Task, Waiting, Work, board_of, cutting, enlist
from sa_privacy.jobs.batch import Done, connected

__all__ = ["Passes", "Progress", "Tally", "Told"]

_PASSES = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is with one table.

    :param done: rows that were looked at, of `total` that had work when it began.
    :param seconds: since it began.
    :param waiting: for what it waits: all that is left is leased by other processes. None: it works.
    """

    table: str
    done: int
    total: int
    seconds: float
    waiting: Waiting | None = None

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
    """What all passes of this process did together.

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

    def add(self, one: Done) -> None:
        """One more pass, which says anew what it had to leave."""
        self.passes += 1
        self.changed += one.changed
        self.values += one.values.total()
        self.lost += one.lost
        self.rejected, self.refused = one.rejected, one.refused


@dataclass(frozen=True)
class Told:
    """Who is told of a job.

    :param record: writes one event; `members` are those that all of them share.
    :param progress: told how many rows were looked at, and for what it waits.
    """

    record: Callable[[str, bytes], int]
    members: bytes
    progress: Callable[[int, Waiting | None], object]


class Whole(Protocol):
    """A part of a work that also knows where its ranges end."""

    def end_of_range(self, after: Key | None, size: int) -> Key | None: ...
    def carry_out(self, lease: Lease) -> Done: ...


class Passes:
    """Works on one table.

    :param part: does chunks in this process.
    :param elsewhere: makes the same in another one, of a station and what is said.
    """

    def __init__(
        self,
        engine: Engine,
        work: Work,
        part: Whole,
        elsewhere: Callable[..., Any],
        said: tuple[Any, ...],
        *,
        pace: Pace,
        crew: Crew,
        told: Told,
    ) -> None:
        self._engine, self._work, self._part = engine, work, part
        self._pace, self._crew, self._told = pace, crew, told
        self._task = partial(Task, uuid4().hex, part=elsewhere, said=said, make=crew.make)

    def run(self, remaining: Callable[[], int] | None) -> Tally:
        """Passes over the table, until one finds nothing that it could do, or twenty of them did not find the end.

        :param remaining: how many rows still have work; None: only a pass that looks at all rows knows. Then what others did of
            a pass, or a worker that died, is looked at once more by this process's workers alone.
        """
        tally, alone = Tally(), False
        for turn in range(_PASSES):
            one, whole = self.once(alone=alone)
            tally.add(one)
            tally.remaining = one.lost + one.stuck if remaining is None else remaining()
            alone = remaining is None and not whole
            all_stuck = one.rows and not one.changed  # the rest is another process's
            if not alone and not one.lost and not one.full and (tally.remaining <= one.stuck or all_stuck):
                break
            time.sleep(min(2.0, 0.02 * 2**turn))
        else:
            tally.remaining = max(1, tally.remaining)
        return tally

    def once(self, *, alone: bool = False) -> tuple[Done, bool]:
        """One pass; or a part of one, where other processes are at it, too.

        :param alone: nobody joins it.
        :returns: what was done, and whether that is all of it.
        """
        total = Done()
        work = replace(self._work, under=(*self._work.under, uuid4().hex)) if alone else self._work

        def begun() -> int:
            return self._told.record("intent", self._told.members)

        def ended(intent: int, done: Done) -> None:
            said = members(intent=intent, rows=done.changed, subjects=None, cells=dict(done.values))
            self._told.record("outcome", self._told.members + b"," + said)
            total.add(done)
            self._told.progress(done.rows, None)

        with connected(self._engine) as connection:
            board = board_of(connection, work, partial(_writing, self._engine), self._crew)
        board.begin(datetime.now(UTC))
        cut = cutting(self._part.end_of_range, self._pace.size)
        with enlist(self._part) as here:
            whole = Course(
                board,
                self._crew,
                self._task(here),
                cut,
                self._pace,
                begun=begun,
                ended=ended,
                settled=_settled,
                waits=lambda waiting: self._told.progress(0, waiting),
            ).run()
        return total, whole


def _settled(rows: int) -> Done:
    """Of a chunk whose worker died, before or after it was done."""
    return Done(rows=rows, changed=rows)


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with connected(engine) as connection, connection.begin():
        yield connection
