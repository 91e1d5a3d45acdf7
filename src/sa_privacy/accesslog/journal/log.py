"""The log a process appends to: one lock, one segment at a time, a new writer after a fork."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from threading import RLock
from time import monotonic
from types import TracebackType
from typing import Literal, Self

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.journal import interval as every
from sa_privacy.accesslog.journal.directory import usable_directory
from sa_privacy.accesslog.journal.handover import begin, hand_over, open_segment
from sa_privacy.accesslog.journal.metrics import Metrics, measure
from sa_privacy.accesslog.journal.reading import read_events
from sa_privacy.accesslog.journal.segment import FAILED, READY, WAITING, WRITING, Segment
from sa_privacy.accesslog.journal.syncing import Syncing, again
from sa_privacy.accesslog.proof.places import Place
from sa_privacy.accesslog.proof.verify import Verification, verify_directory
from sa_privacy.crypto import VerifyingKey
from sa_privacy.errors import LogUnavailable

__all__ = ["AccessLog", "Fsync"]

Fsync = Literal["never", "interval", "always"]

SEGMENT_BYTES = 64 * 1024 * 1024
SEGMENT_SECONDS = 86_400.0


class AccessLog:
    """An append-only, hash-chained log in a directory; safe to share between threads, and across fork.

    The segment file of this process is made with its first event: a log that is only read leaves no trace. When
    ``append`` has returned, the event is with the operating system: it outlives the process, also under ``kill -9``.
    What of it outlives a power failure is ``fsync``'s to say; see :meth:`open`. Format: docs/spec/log.md.

    :ivar preamble: makes the members of the ``context`` event that is written after the first line of each segment; None:
        no such event. It must not touch the log. Set it before the first event.
    """

    __slots__ = (
        "__weakref__",
        "_beginning",
        "_closed",
        "_each",
        "_fsync",
        "_full",
        "_interval",
        "_lines",
        "_lock",
        "_path",
        "_seconds",
        "_segment",
        "_since",
        "_syncing",
        "preamble",
        "writer",
    )

    def __init__(
        self,
        path: Path,
        *,
        fsync: Fsync = "interval",
        interval: float = 1.0,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
    ) -> None:
        self.preamble: Callable[[], bytes] | None = None
        #: The id under which this process writes now; None before its first event.
        self.writer: str | None = None
        self._path = path
        self._fsync = fsync
        self._each = fsync == "always"
        self._interval = interval
        self._full = segment_bytes
        self._seconds = segment_seconds
        self._lock = RLock()
        self._syncing = Syncing(settles=self._fsync != "never")
        self._segment: Segment | None = None
        self._lines = 0
        self._since: float | None = None
        self._beginning = False
        self._closed = False
        _LOGS.add(self)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        fsync: Fsync = "interval",
        interval: float = 1.0,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
    ) -> AccessLog:
        """The log in a directory, which is made (mode 0700) if it is missing.

        :param fsync: what is on the disk when ``append`` returns, so that it outlives a power failure:
            ``"always"``: the event. Threads that append at the same time share a sync; under asyncio the loop waits.
            ``"interval"``: what was appended `interval` seconds ago, and one sync's time: a thread syncs meanwhile.
            ``"never"``: whatever the system has written by itself, usually what is older than half a minute.
        :param interval: seconds.
        :param segment_bytes: a segment that has become so long is closed, and the next one goes on.
        :param segment_seconds: the same for one so old, with the first event after that.
        :raises LogUnavailable: it is no directory, others than its owner may use it, or this process cannot write there.
        :raises ValueError: a parameter makes no sense.
        """
        if fsync not in {"never", "interval", "always"}:
            raise ValueError('fsync is "never", "interval" or "always"')
        if not (interval > 0 and segment_bytes > 0 and segment_seconds > 0):
            raise ValueError("interval, segment_bytes and segment_seconds are greater than 0")
        return cls(
            usable_directory(path),
            fsync=fsync,
            interval=interval,
            segment_bytes=segment_bytes,
            segment_seconds=segment_seconds,
        )

    @property
    def path(self) -> Path:
        """The log's directory, absolute."""
        return self._path

    def append(self, kind: str, members: bytes, sync: bool = False) -> int:
        """Write one event; when this returns, it is in the file.

        :param kind: ``"intent"``, ``"outcome"``, ``"use"``: up to 32 lower-case letters, digits and underscores.
        :param members: what :func:`members` made; trusted to be JSON members, except that it must hold no line break.
        :param sync: return only when the event is on the disk, whatever ``fsync`` says.
        :returns: the event's ``seq``: its number among all lines of this writer.
        :raises LogUnavailable: the event is not in the log, or may not stay there. The chain stays whole, and later events
            may be tried.
        :raises ValueError: the kind or the members cannot stand in a line.
        """
        with self._lock:
            segment = self._segment
            if segment is None or segment.state:
                segment = self._ready()
            seq = segment.append(kind, members)
            if not (sync or self._each):
                return seq
            size = segment.wanted = segment.size
        self._force(segment, size)
        return seq

    def events(self) -> Iterator[Event]:
        """All events of all writers, in order of segment opening, then ``seq``; see :func:`read_events`."""
        return read_events(self._path)

    def verify(
        self,
        *,
        key: VerifyingKey | Iterable[VerifyingKey] | None = None,
        second: Place | str | os.PathLike[str] | None = None,
        workers: int = 1,
        executor: Executor | None = None,
    ) -> Verification:
        """Check every line of every segment, in constant memory; see :func:`verify_directory`."""
        return verify_directory(self._path, key=key, second=second, workers=workers, executor=executor)

    def metrics(self) -> Metrics:
        """The log in figures; one look at each file's size and lock.

        :raises LogUnavailable: the directory cannot be listed.
        """
        size = measure(self._path)
        with self._lock:
            segment = self._segment
            events, waiting, since = self._lines, 0, None
            if segment is not None:
                events += segment.seq
                waiting = segment.size - segment.synced
                since = self._since
        seconds = 0.0 if not waiting or since is None else monotonic() - since
        return Metrics(*size, events, self._syncing.count, waiting, None if self._fsync == "never" else seconds)

    def close(self) -> None:
        """Write the closing line, sync (not under ``"never"``) and let go of the file.

        Closing twice is fine; an exit of the interpreter closes too.

        :raises LogUnavailable: the closing line could not be written or synced. The log is closed nonetheless.
        """
        with self._lock:
            self._closed = True
            segment, self._segment = self._segment, None
            self.writer = None
            if segment is None:
                return
            every.unwatch(self._sync_due)
            with self._syncing.lead:
                try:
                    if segment.trouble is not None:
                        raise again(segment.trouble)
                    if segment.size == 0:
                        segment.open()
                    if not segment.ended:
                        segment.finish()
                    self._syncing.settle(segment)
                finally:
                    self._lines += segment.seq
                    segment.release()

    def _ready(self) -> Segment:
        """The segment to append to, once what its state asks for is done."""
        if self._closed:
            hint = "open it again: AccessLog.open(path)."
            raise LogUnavailable(f"The access log in {self._path} is closed.", hint=hint)
        segment = self._segment
        if self._beginning or (segment is not None and segment.state == WRITING):
            raise LogUnavailable(
                "The access log was asked for an event while it was writing one, in the same thread.",
                hint="do not touch personal data in signal handlers or finalisers.",
            )
        try:
            self._beginning = True
            if segment is not None and segment.state == FAILED and not segment.recover():
                trouble = segment.trouble
                self._leave(segment)
                segment = None
                if trouble is not None:
                    raise again(trouble)
            if segment is None:
                segment = self._segment = begin(self._path, full=self._full, seconds=self._seconds)
                self.writer = segment.writer
            elif segment.is_full:
                segment = self._hand_over(segment)
            if self._fsync == "interval" and not segment.watched:
                self._watch(segment, monotonic())
            open_segment(segment, self.preamble)
            segment.state = READY
            return segment
        finally:
            self._beginning = False

    def _hand_over(self, before: Segment) -> Segment:
        with self._syncing.lead:
            try:
                after = self._segment = hand_over(before, self._syncing)
            except BaseException:
                if before.ended:
                    self._leave(before)
                raise
            before.release()
        return after

    def _leave(self, segment: Segment) -> None:
        """Let go of a segment that cannot go on: the next event is another writer's first."""
        with self._syncing.lead:
            self._segment = self.writer = None
            if segment.trouble is None:
                segment.trouble = LogUnavailable(
                    f"The access log lost its segment {segment.path} before it was on the disk.",
                    hint="find out what happened to the file; the next event begins a new segment.",
                )
            self._lines += segment.seq
            segment.release()

    def _forget(self) -> None:
        """In the child of a fork: the segment, and perhaps a held lock, are the parent's."""
        self._lock = RLock()
        self._syncing = Syncing(settles=self._fsync != "never")
        self._beginning = False
        self._lines = 0
        self._each = self._fsync == "always"
        segment, self._segment = self._segment, None
        self.writer = None
        if segment is not None:
            segment.release()

    # -- syncing ---------------------------------------------------------------------------------------------------

    def _force(self, segment: Segment, size: int) -> None:
        """Return when a segment is on the disk up to there; the lock is not held meanwhile."""
        try:
            self._syncing.reach(segment, size)
        except LogUnavailable:
            with self._lock:
                if segment is self._segment and segment.trouble is not None:
                    self._leave(segment)
            raise

    def _watch(self, segment: Segment, since: float) -> None:
        """Have a segment synced in time, in which something stands or will stand that is not on the disk."""
        try:
            every.watch(self._sync_due, since + self._interval)
        except RuntimeError:  # no thread is to be had: then each append syncs
            self._each = True
        else:
            segment.watched = True
            self._since = since

    def _sync_due(self) -> None:
        """In the thread, `interval` seconds after :meth:`_watch`."""
        since = monotonic()
        segment = self._segment
        if segment is None:
            return
        try:
            self._syncing.reach(segment, segment.size)
        except Exception:  # noqa: BLE001 - the next append tells why, or has it tried again
            with self._lock:
                if segment is self._segment:
                    segment.watched = False
                    segment.state = FAILED
            return
        with self._lock:
            if segment is not self._segment:
                return  # its successor is watched from its first event on
            if segment.synced < segment.size:
                self._watch(segment, since)
                return
            segment.watched = False
            if segment.state == READY:
                segment.state = WAITING

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        with suppress(LogUnavailable, AttributeError):  # nobody is left to tell; AttributeError: never fully made
            self.close()

    def __repr__(self) -> str:
        return f"AccessLog({str(self._path)!r})"


_LOGS: weakref.WeakSet[AccessLog] = weakref.WeakSet()


def _forget_all() -> None:
    for log in list(_LOGS):
        log._forget()


def _close_all() -> None:
    for log in list(_LOGS):
        with suppress(LogUnavailable):  # the interpreter is on its way out; verify() shows the segment as unclosed
            log.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
atexit.register(_close_all)
