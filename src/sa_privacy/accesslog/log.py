"""The log a process appends to: one lock, one segment at a time, a new one after a fork."""

from __future__ import annotations

import atexit
import errno
import os
import stat
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.reading import read_events
from sa_privacy.accesslog.segment import Segment, unavailable
from sa_privacy.accesslog.verify import Verification, verify_directory
from sa_privacy.errors import LogUnavailable

__all__ = ["AccessLog"]


class AccessLog:
    """An append-only, hash-chained log in a directory; safe to share between threads, and across fork.

    The segment file of this process is made with its first event: a log that is only read leaves no trace. When
    ``append`` has returned, the event is with the operating system: it outlives the process, also under ``kill -9``;
    a power failure may take the last seconds. Format: docs/spec/log.md.
    """

    __slots__ = ("__weakref__", "_closed", "_lock", "_path", "_segment")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = RLock()
        self._segment: Segment | None = None
        self._closed = False
        _LOGS.add(self)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> AccessLog:
        """The log in a directory, which is made (mode 0700) if it is missing.

        :raises LogUnavailable: it is no directory, others than its owner may use it, or this process cannot write there.
        """
        directory = Path(path).absolute()  # a daemon may change its directory later
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = directory.stat()
        except OSError as error:
            raise unavailable(f"The access log cannot use {directory}", error) from error
        if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
            raise LogUnavailable(
                f"The access log's directory {directory} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}).",
                hint="chmod 700 it, or name a directory inside it that does not exist yet: it is made the right way.",
            )
        if not os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            denied = OSError(errno.EACCES, os.strerror(errno.EACCES))
            raise unavailable(f"The access log cannot write in {directory}", denied) from denied
        return cls(directory)

    @property
    def path(self) -> Path:
        """The log's directory, absolute."""
        return self._path

    @property
    def writer(self) -> str | None:
        """The id of the segment this process writes now; None before its first event."""
        segment = self._segment
        return None if segment is None else segment.writer

    def append(self, kind: str, members: bytes) -> int:
        """Write one event; when this returns, it is in the file.

        :param kind: ``"intent"``, ``"outcome"``, ``"use"``: up to 32 lower-case letters, digits and underscores.
        :param members: what :func:`members` made; trusted to be JSON members, except that it must hold no line break.
        :returns: the event's ``seq``, counted from 1 in each segment.
        :raises LogUnavailable: the event is not in the log. The chain stays whole, and later events may be tried.
        :raises ValueError: the kind or the members cannot stand in a line.
        """
        with self._lock:
            segment = self._segment
            if segment is None or segment.busy:
                segment = self._ready()
            return segment.append(kind, members)

    def events(self) -> Iterator[Event]:
        """All events of all writers, in order of segment opening, then ``seq``; see :func:`read_events`."""
        return read_events(self._path)

    def verify(self) -> Verification:
        """Check every line of every segment, in constant memory; see :func:`verify_directory`."""
        return verify_directory(self._path)

    def close(self) -> None:
        """Write the closing line and let go of the file. Closing twice is fine; an exit of the interpreter closes too.

        :raises LogUnavailable: the closing line could not be written. The log is closed nonetheless.
        """
        with self._lock:
            self._closed = True
            segment, self._segment = self._segment, None
            if segment is None:
                return
            try:
                segment.finish()
            finally:
                segment.release()

    def _ready(self) -> Segment:
        """The segment to append to where there is none, or where the last append did not end well."""
        if self._closed:
            hint = "open it again: AccessLog.open(path)."
            raise LogUnavailable(f"The access log in {self._path} is closed.", hint=hint)
        segment = self._segment
        if segment is not None:
            if not segment.failed:
                raise LogUnavailable(
                    "The access log was asked for an event while it was writing one, in the same thread.",
                    hint="do not touch personal data in signal handlers or finalisers.",
                )
            if segment.recover():
                return segment
            self._segment = None
            segment.release()
        segment = self._segment = Segment.begin(self._path)
        return segment

    def _forget(self) -> None:
        """In the child of a fork: the segment, and perhaps a held lock, are the parent's."""
        self._lock = RLock()
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.release()

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
