"""Syncing for several threads at once: one does it, and whoever's lines it covered goes on with it (group commit)."""

from __future__ import annotations

from threading import RLock

from sa_privacy.accesslog.journal.segment import Segment
from sa_privacy.errors import LogUnavailable

__all__ = ["Syncing", "again"]


class Syncing:
    """The syncs of one log.

    Who waits for a sync joins the batch that stands next: a lock, and its first holder leads it. The leader waits for the
    sync under way, puts up the next batch, and syncs; whoever joined before has its line in the file before that sync
    began. Locks and nothing else: a ``with`` lets go of them whatever a signal handler raises, and they may be taken
    again by the thread that has them.

    :param settles: whether a segment that is left is forced to the disk, or only where somebody waits for it.
    :ivar lead: the right to sync the log's segments, or to let go of one.
    :ivar count: how often a file was forced to the disk.
    """

    __slots__ = ("_batch", "_settles", "count", "lead")

    def __init__(self, *, settles: bool) -> None:
        self._settles = settles
        self.lead = RLock()
        self._batch = RLock()
        self.count = 0

    def reach(self, segment: Segment, size: int) -> None:
        """Return when the first `size` bytes of a segment are on the disk. Never called with the log's lock held.

        :raises LogUnavailable: they may not be there; the segment's ``trouble`` says so too from then on.
        """
        batch = self._batch
        with batch:
            if segment.synced >= size:
                return
            with self.lead:
                if batch is self._batch:
                    self._batch = RLock()
                if segment.synced < size:
                    self.sync(segment)

    def settle(self, segment: Segment) -> None:
        """Sync a segment that nothing more is written to, holding ``lead``.

        :raises LogUnavailable: as :meth:`sync`.
        """
        if self._settles or segment.wanted > segment.synced:
            self.sync(segment)

    def sync(self, segment: Segment) -> None:
        """Sync a segment, holding ``lead``.

        :raises LogUnavailable: its bytes may be lost. That is in its ``trouble`` from then on.
        """
        if segment.trouble is not None:
            raise again(segment.trouble)
        self.count += 1
        try:
            segment.sync()
        except LogUnavailable as error:
            segment.trouble = error
            raise


def again(error: LogUnavailable) -> LogUnavailable:
    """A fresh copy of a kept error, without the tracebacks of earlier times."""
    copy = LogUnavailable(error.message, hint=error.hint)
    copy.__cause__ = error.__cause__
    return copy
