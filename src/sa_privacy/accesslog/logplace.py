"""What one can do with a log wherever it is kept: a directory's segments, or a SQL table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from datetime import datetime
from typing import NamedTuple, Protocol

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.eventlog import EventLog
from sa_privacy.accesslog.proof.places import Place
from sa_privacy.accesslog.proof.verify import Progress, Verification
from sa_privacy.accesslog.wanted import Source, Wanted
from sa_privacy.crypto import VerifyingKey

__all__ = ["Following", "LogPlace", "LogStatus"]


class LogStatus(NamedTuple):
    """The state of a log. Nothing is proved here, that is what verifying is for.

    :ivar bytes: of all segments, as they stand on the disk, or of the tables with their indexes; None: it is not known.
    :ivar compressed: how many of the segments are.
    :ivar running: writers at work on this machine; None: a table does not tell.
    :ivar unclosed: other writers whose last segment has no end: killed, at work elsewhere, or cut.
    :ivar first: when the first segment was opened.
    :ivar last: when the last event was written, as far as segments that are not compressed tell.
    :ivar checkpoint: when the last checkpoint was made, of those that are kept here; None: there are none.
    """

    bytes: int | None
    segments: int
    compressed: int
    writers: int
    running: int | None
    unclosed: int
    first: datetime | None
    last: datetime | None
    checkpoint: datetime | None


class Following(Protocol):
    """What comes into a log from now on."""

    def new(self) -> Iterator[Event]:
        """What came since the last call, by time as far as each writer's order allows.

        :raises LogUnavailable: the log cannot be read.
        """
        ...


class LogPlace(Source, Protocol):
    """A log where it is kept. Each method raises LogUnavailable where the place cannot be read or written."""

    def last(self, wanted: Wanted, count: int) -> list[Event]:
        """The last `count` events wanted, by time."""
        ...

    def follow(self, wanted: Wanted) -> Following:
        """The events wanted that come from now on, of all writers."""
        ...

    def status(self) -> LogStatus:
        """Its size, its writers, its first and last event."""
        ...

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
        """Prove that nothing was changed, added, removed or moved.

        :param key: who may have signed checkpoints.
        :param second: where checkpoints are copied to.
        :param workers: processes, where they help.
        :param executor: does the work instead, in pieces.
        :param resume: a file that notes what holds: after an interruption, the next one goes on there.
        :param progress: told how much is done, and how much there is.
        """
        ...

    def writing(self) -> EventLog:
        """The log, to write to as one more writer; it is to be closed."""
        ...
