"""One work from its beginning to its end: chunks are leased, handed to workers, and told of, until nothing is left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from sa_privacy.bulk.crew import Crew
from sa_privacy.bulk.keys import Key
from sa_privacy.bulk.station import Task, work_on
from sa_privacy.bulk.work import Board, Cut, Lease, Range, Waiting
from sa_privacy.errors import PrivacyError, WorkersLost

__all__ = ["Course", "Pace", "cutting"]

T = TypeVar("T")
#: So many chunks are leased at once beyond those that are worked on: for each lease something is written.
_AHEAD: Final = 8
#: So many times nothing is said of waiting: half a second.
_PATIENT: Final = 5
#: So many workers may die one after the other before anything is done.
_DEATHS: Final = 5


@dataclass(frozen=True)
class Pace:
    """How fast a job may go.

    :param batch: rows of one transaction.
    :param rate: rows a second, of all workers together; None: as fast as it goes.
    """

    batch: int = 500
    rate: float | None = None

    @property
    def size(self) -> int:
        """Rows of one chunk: no more than one second's."""
        return self.batch if self.rate is None else max(1, min(self.batch, int(self.rate)))


class Course(Generic[T]):
    """Works on everything that a board has.

    :param begun: told before a chunk is worked on, and says under which number that is in the log.
    :param ended: told what was done of it.
    :param settled: what was done, where nobody but the board can say how many rows it were.
    :param waits: told again and again, while others have all that is left.
    """

    def __init__(
        self,
        board: Board,
        crew: Crew,
        task: Task,
        cut: Cut,
        pace: Pace,
        *,
        begun: Callable[[], int],
        ended: Callable[[int, T], object],
        settled: Callable[[int], T],
        waits: Callable[[Waiting], object] = lambda _: None,
    ) -> None:
        self._board, self._crew, self._task, self._cut, self._pace = board, crew, task, cut, pace
        self._begun, self._ended, self._settled, self._waits = begun, ended, settled, waits
        self._ready: deque[Lease] = deque()
        self._pending: dict[Future[Any], tuple[Lease, int]] = {}
        self._start = self._renewed = time.monotonic()
        self._handed_out = self._deaths = self._told = 0

    def run(self) -> bool:
        """Until all of it is done, whoever did it.

        :returns: whether the workers of this one told of all of it. If not, what others left undone is not known here.
        :raises WorkersLost: they died one after the other.
        """
        idle = 0
        try:
            while True:
                self._hand_out()
                if self._pending:
                    self._collect()
                    idle = 0
                elif self._board.is_over():
                    break
                else:  # others are at it: their chunks are ours once their leases have run out
                    if idle >= _PATIENT:
                        self._waits(self._board.waiting())
                    time.sleep(min(1.0, 0.02 * 2 ** min(idle, 6), self._board.lasting))
                    idle += 1
            return self._board.close() == self._told
        except BaseException:
            self._leave()
            raise

    def _leave(self) -> None:
        """Something went wrong, or somebody stops it: what is still done is told of, and the rest is anybody's."""
        running = [future for future in self._pending if not future.cancel()]
        wait(running)  # not for the others: of a cluster, not all that were cancelled say so
        with suppress(SQLAlchemyError, PrivacyError):  # leases run out by themselves
            self._board.give_back()
        for future in running:
            done = future.result() if future.exception() is None else None
            if done is not None:
                with suppress(Exception):  # what ended it is what is raised
                    self._ended(self._pending[future][1], done)

    def _hand_out(self) -> None:
        free = self._crew.workers - len(self._pending)
        while free > 0:
            if not self._ready:
                self._ready += self._board.take(self._cut, free - 1 + _AHEAD)
            if not self._ready:
                return
            self._wait_for_turn()
            lease, intent = self._ready.popleft(), self._begun()
            self._pending[self._crew.submit(work_on, self._task, lease)] = lease, intent
            free -= 1

    def _collect(self) -> None:
        for future in wait(self._pending, timeout=self._board.lasting / 3, return_when=FIRST_COMPLETED).done:
            lease, intent = self._pending.pop(future)
            error = future.exception() if not future.cancelled() else None
            if error is not None and not self._crew.has_died(error):
                raise self._crew.explained(error)
            if error is not None or future.cancelled():
                self._bury(error)
            done = None if error is not None or future.cancelled() else future.result()
            self._ended(intent, self._settle(lease) if done is None else done)
            if done is not None:
                self._deaths = 0
                self._told += 1
        self._renew()

    def _renew(self) -> None:
        if time.monotonic() - self._renewed > self._board.lasting / 3:
            self._board.renew()
            self._renewed = time.monotonic()

    def _bury(self, error: BaseException | None) -> None:
        """A worker died: others go on."""
        self._deaths += 1
        if self._deaths > _DEATHS * self._crew.workers:
            raise WorkersLost(
                "workers die as soon as they have begun, and nobody can say why.",
                hint="see what ends them (memory? an import?), and run it again: it goes on where it was.",
            ) from error

    def _settle(self, lease: Lease) -> T:
        """What became of a chunk of which its worker does not tell."""
        found = self._board.settle(lease)
        if isinstance(found, Lease):
            self._ready.appendleft(found)
        return self._settled(found if isinstance(found, int) else 0)

    def _wait_for_turn(self) -> None:
        if self._pace.rate is not None:
            due = self._start + self._handed_out / self._pace.rate
            time.sleep(max(0.0, due - time.monotonic()))
            self._renew()
        self._handed_out += self._pace.size


def cutting(end_of_range: Callable[[Key | None, int], Key | None], size: int) -> Cut:
    """Cuts ranges with one chunk's rows each; the last may have no end. None are cut where there is no work.

    :param end_of_range: the key of the row that is so many rows behind a key; None: there are not so many.
    """

    def cut(after: Key | None, wanted: int) -> tuple[list[Range], bool]:
        found: list[Range] = []
        while len(found) < wanted:
            upto = end_of_range(after, size)
            if upto is None:
                if end_of_range(after, 1) is not None:
                    found.append(Range(after, None))
                return found, True
            found.append(Range(after, upto))
            after = upto
        return found, False

    return cut
