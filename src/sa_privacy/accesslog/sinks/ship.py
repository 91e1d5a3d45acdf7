"""Moving the journal on to where it is kept: at least once, in bounded memory, waiting where the target is away."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from threading import Event, RLock, Thread
from types import TracebackType
from typing import NamedTuple, Self

from sqlalchemy import URL, Engine

from sa_privacy.accesslog.journal.reading import COMPRESSED
from sa_privacy.accesslog.sinks.journal import Journal
from sa_privacy.accesslog.sinks.table import EventTable
from sa_privacy.accesslog.sinks.target import Batch, Mark, StdoutTarget, TableTarget, Target, Unshippable
from sa_privacy.errors import LogUnavailable

__all__ = ["Lag", "Shipper", "Shipping"]

BATCH = 4_000
"""Lines: what piles up while a target is away may take no memory that stays. Greater ones ship no faster."""
_LONGEST_WAIT = 60.0


class Lag(NamedTuple):
    """What of the journal a target does not have yet.

    :ivar seconds: how long the oldest of these events has been waiting.
    """

    events: int
    bytes: int
    seconds: float


class Shipper:
    """Ships the journal in a directory to one target.

    Every event arrives, none twice in a table: how far each segment came is kept with the events, in one transaction, and
    another shipper of the same journal is noticed. The journal is only read, so while a target is slow or away it goes on
    growing, and nothing is lost. A line that is no event stops it: an event that is left out silently is no evidence.

    :param directory: of the journal.
    :param to: ``"stdout"``, a database URL, an engine of its own, or a target.
    :param batch: lines that are shipped together.
    :param make: makes the table where it is not there, once its database can be reached.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        to: str | URL | Engine | EventTable | Target,
        *,
        batch: int = BATCH,
        make: bool = False,
    ) -> None:
        if batch < 1:
            raise ValueError("a batch holds a line at least")
        self.journal = Journal(directory, batch)
        if to == "stdout":
            self.target: Target = StdoutTarget(directory)
        else:
            self.target = TableTarget(to, make=make) if isinstance(to, str | URL | Engine | EventTable) else to
        self._lock = RLock()
        self._marks: dict[str, Mark] | None = None
        self._told: set[str] = set()
        #: What keeps it from shipping now; None: nothing. For health checks.
        self.trouble: LogUnavailable | None = None

    def run_once(self) -> int:
        """Ship all that is in the journal now; returns how many lines.

        :raises LogUnavailable: the journal or the target is away; what was shipped before stays shipped.
        :raises Unshippable: a line cannot be shipped, however long one waits.
        """
        with self._lock:
            try:
                shipped = self._ship()
            except LogUnavailable as error:
                self.trouble, self._marks = error, None
                raise
            except BaseException:
                self._marks = None
                raise
            self.trouble = None
            return shipped

    def _ship(self) -> int:
        shipped = 0
        segments = self.journal.segments()  # and their ends: with other shippers, and a busy writer, this ends too
        while True:
            marks = self._known(segments)
            overtaken = False
            batches = self.journal.batches(segments, marks.copy())
            with closing(batches), closing(_ahead(batches) if self.target.apart else batches) as coming:
                for batch in coming:
                    if not self.target.take(batch):
                        overtaken = True
                        break
                    self._move(marks, batch)
                    shipped += len(batch.rows)
            self._tell_shortened()
            if not overtaken:
                return shipped
            self._marks = None

    def _known(self, segments: Collection[str]) -> dict[str, Mark]:
        """The marks of these segments; the target is asked only for those that were not seen before."""
        known = self._marks or {}
        fresh = [name for name in segments if name not in known]
        self._marks = {name: known[name] for name in segments if name in known}
        self._marks.update(dict.fromkeys(fresh, Mark()))
        self._marks.update(self.target.marks(fresh) if fresh else {})
        return self._marks

    @staticmethod
    def _move(marks: dict[str, Mark], batch: Batch) -> None:
        marks.update({move.segment: move.after for move in batch.moves})

    def _tell_shortened(self) -> None:
        for segment in sorted(self.journal.shortened - self._told):
            _say(
                f"the segment {segment} is shorter than what was shipped of it: its end was lost, or cut off. Run verify."
            )
        self._told |= self.journal.shortened

    # -- asking ---------------------------------------------------------------------------------------------------

    def lag(self) -> Lag:
        """What the target does not have yet. Asks the target, and looks at the end of each open segment.

        :raises LogUnavailable: the journal or the target is away.
        """
        segments = self.journal.segments()
        marks = self.target.marks(segments)
        events = size = 0
        oldest: datetime | None = None
        for name in segments:
            rest = self.journal.rest(name, marks.get(name, Mark()))
            events += rest.events
            size += rest.bytes
            if rest.oldest is not None and (oldest is None or rest.oldest < oldest):
                oldest = rest.oldest
        waiting = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
        return Lag(events, size, waiting)

    def shipped(self, segment: str) -> bool:
        """Whether the target has every finished line of a segment: then the journal may let it go.

        :param segment: its name, compressed or not.
        :raises LogUnavailable: the journal or the target is away.
        """
        name = segment.removesuffix(COMPRESSED)
        mark = self.target.marks([name]).get(name, Mark())
        return self.journal.rest(name, mark).events == 0

    # -- going on -------------------------------------------------------------------------------------------------

    def every(self, seconds: float = 1.0) -> Shipping:
        """Ship in a thread of its own, whenever so many seconds have passed, until the returned object is closed.

        Where the target is away it tries again, after ever longer waits up to a minute, and says so once on stderr.
        """
        return Shipping(self, seconds)

    def follow(self, seconds: float, stop: Event, *, give_up: Callable[[LogUnavailable], bool] | None = None) -> None:
        """Ship again and again until `stop` is set.

        :param give_up: of which errors not to try again, but raise them.
        """
        wait, down = seconds, False
        while not stop.is_set():
            try:
                self.run_once()
            except LogUnavailable as error:
                if give_up is not None and give_up(error):
                    raise
                if not down:
                    _say(f"shipping to {self.target.name} waits. {error.message}\n  hint: {error.hint}")
                down, wait = True, min(_LONGEST_WAIT, max(2 * wait, 0.1))
            else:
                if down:
                    _say(f"shipping to {self.target.name} goes on.")
                down, wait = False, seconds
            stop.wait(wait)

    def close(self) -> None:
        """Let go of the target."""
        self.target.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Shipping:
    """A thread that ships. A context manager; leaving it ships the rest."""

    def __init__(self, shipper: Shipper, seconds: float) -> None:
        self.shipper = shipper
        self._stop = Event()
        self._thread = Thread(target=shipper.follow, args=(seconds, self._stop), name="sa-privacy-ship", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, and ship what is left. Closing twice is fine.

        :raises LogUnavailable: the rest could not be shipped. It is in the journal, for the next shipper.
        """
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self.shipper.run_once()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _ahead(batches: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """Reads the next batch while somebody takes this one."""
    with ThreadPoolExecutor(1, "sa-privacy-ship") as reader:
        following = reader.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = reader.submit(next, batches, None)
            yield batch


def hopeless(error: LogUnavailable) -> bool:
    """Whether waiting does not help."""
    return isinstance(error, Unshippable)


def _say(text: str) -> None:
    sys.stderr.write(f"sa-privacy: {text}\n")
    sys.stderr.flush()
