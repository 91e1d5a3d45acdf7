"""One segment: the bytes of its lines, and the file they are appended to (docs/spec/log.md)."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import time_ns

from sa_privacy.accesslog.journal.disk import flush, flush_directory, hold
from sa_privacy.accesslog.lines import FORMAT, MAX_LINE, SECOND, START, moment, segment_name
from sa_privacy.accesslog.trouble import unavailable
from sa_privacy.errors import LogUnavailable

__all__ = [
    "FAILED",
    "FORMAT",
    "MAX_LINE",
    "READY",
    "START",
    "WAITING",
    "WRITING",
    "Segment",
    "segment_name",
    "unavailable",
]

_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_OWN_KINDS = ("opened", "closed")
_MAX_KINDS = 64
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


READY, WRITING, FAILED, WAITING = range(4)
"""What a segment's next line finds. READY is false, so that asking costs the hot path one jump. WRITING: a line is on its
way, and this is the same thread. FAILED: the last line did not arrive, or nobody knows whether it did. WAITING: something
comes first: the first lines, the hand-over to the next segment, or somebody to sync it in time."""


def _refuse_break() -> None:
    raise ValueError("an event is one line: its members hold a line break")


class Segment:
    """One segment file and the end of its writer's chain. The log holds its lock around every call but :meth:`sync`.

    :param path: the file, which must not exist yet.
    :param at: when it is opened, as its first line and its name say it.
    :param full: bytes from which on it is handed over.
    :param seconds: age from which on it is handed over.
    :ivar state: what the next line finds.
    :ivar seq: the number of the next line.
    :ivar size: the bytes of all lines written, and no torn part of one.
    :ivar synced: the bytes known to be on the disk.
    :ivar wanted: the bytes that somebody waits for.
    :ivar watched: somebody syncs it in time.
    :ivar ended: its closing line is written, or perhaps.
    :ivar owed: the ``context`` event after the opening line is still to be written.
    :ivar trouble: why what was written here cannot be relied on any more.
    """

    __slots__ = (
        "_at",
        "_entered",
        "_fd",
        "_full",
        "_heads",
        "_id",
        "_limit",
        "_opened",
        "_prev",
        "_second",
        "_seconds",
        "ended",
        "owed",
        "path",
        "seq",
        "size",
        "state",
        "synced",
        "trouble",
        "wanted",
        "watched",
        "writer",
    )

    def __init__(self, path: Path, at: str, opened: int, writer: str, *, full: int, seconds: float) -> None:
        self.writer = writer
        self.path = path
        self.state = WAITING
        self.seq = 0
        self.size = 0
        self.synced = 0
        self.wanted = 0
        self.watched = False
        self.owed = True
        self.trouble: LogUnavailable | None = None
        self._at = at
        self._opened = opened
        self._prev = START
        self._limit = self._full = full
        self._seconds = seconds
        self._second = 0
        self._heads: dict[str, bytes] = {}
        self._entered = False
        self.ended = False
        self._fd = os.open(path, _FLAGS, 0o600)
        hold(self._fd)
        found = os.fstat(self._fd)
        self._id = (found.st_dev, found.st_ino)

    @classmethod
    def make(cls, directory: Path, writer: str, *, full: int, seconds: float, after: int = 0) -> Segment:
        """An empty segment, in a file of its own.

        :param after: the opening time, in ns, of the writer's segment before: names sort behind it, whatever the clock says.
        :raises LogUnavailable: the file cannot be made.
        """
        opened = max(time_ns(), after + 1000)
        at = moment(opened)
        path = directory / segment_name(at, writer)
        try:
            return cls(path, at, opened, writer, full=full, seconds=seconds)
        except OSError as error:
            raise unavailable(f"The access log cannot begin a segment in {directory}", error) from error

    def successor(self) -> Segment:
        """The empty segment that may go on from this one.

        :raises LogUnavailable: its file cannot be made.
        """
        return self.make(self.path.parent, self.writer, full=self._limit, seconds=self._seconds, after=self._opened)

    @property
    def is_full(self) -> bool:
        """It is to be handed over before the next event."""
        return self.size >= self._full

    def follow(self, before: Segment) -> None:
        """Go on, in this empty segment, with the numbers and the chain of the one that ends with its name."""
        self.seq, self._prev = before.seq, before._prev

    def open(self) -> None:
        """Write the opening line.

        :raises LogUnavailable: it cannot be written; the file is still empty, and it may be tried again.
        """
        self._put_own("opened", self._at, f'"format":{FORMAT},')

    def append(self, kind: str, members: bytes) -> int:
        """Write one event and return its number; see :meth:`AccessLog.append`."""
        try:
            self.state = WRITING
            elapsed = time_ns() - self._second
            if not 0 <= elapsed < SECOND:
                elapsed = self._turn(elapsed + self._second)
            head = self._heads.get(kind) or self._head(kind)
            if 0x0A in members:
                _refuse_break()
            seq = self.seq
            if members:
                self._put(head % (elapsed // 1000, seq, members, self._prev))
            else:
                self._put(head.replace(b",%b", b"", 1) % (elapsed // 1000, seq, self._prev))
            self.state = READY if self.size < self._full else WAITING
        except BaseException:  # also an interrupt: what is in the file is no longer known
            self.state = FAILED
            raise
        return seq

    def finish(self, successor: Segment | None = None) -> None:
        """Write the closing line.

        :param successor: the segment that goes on from it; None: the writer ends here.
        :raises LogUnavailable: it cannot be written, or the file is not as this writer left it.
        """
        self.state = FAILED
        self._check()
        self.ended = True  # before the line: an interrupt must not lead to a second one
        try:
            if successor is None:
                self._put_own("closed", moment(time_ns()), "")
            else:
                self._put_own("closed", successor._at, f'"next":"{successor.path.name}",')
        except LogUnavailable:
            self.ended = False
            raise

    def recover(self) -> bool:
        """After a failed append: True if the file ends with the last good line, and appending may go on."""
        if self.ended or self.trouble is not None:
            return False
        try:
            self._check()
        except LogUnavailable:
            return False
        self.state = WAITING
        return True

    def sync(self) -> None:
        """Force all lines, and the file's name, to the disk. Any thread may, one at a time.

        :raises LogUnavailable: they may be lost: nothing more may be written here.
        """
        size = self.size
        try:
            flush(self._fd)
            if not self._entered:
                flush_directory(self.path.parent)
                self._entered = True
        except OSError as error:
            raise unavailable(f"The access log cannot force {self.path} to the disk", error) from error
        self.synced = max(size, self.synced)

    def release(self) -> None:
        """Let go of the file as it is."""
        with suppress(OSError):  # nothing more is written through it
            if self._is_mine(os.fstat(self._fd)):  # else someone closed it, and the number is another file's now
                os.close(self._fd)
        self._fd = -1

    def discard(self) -> None:
        """Let go of the file, and remove it: nothing stands in it."""
        self.release()
        with suppress(OSError):  # an empty segment is harmless
            self.path.unlink()

    def _is_mine(self, found: os.stat_result) -> bool:
        return (found.st_dev, found.st_ino) == self._id

    def _put_own(self, kind: str, at: str, members: str) -> None:
        """Write a line that only the log itself writes."""
        self.state = FAILED
        head = f'{{"kind":"{kind}","at":"{at}","writer":"{self.writer}","seq":{self.seq},{members}"prev":"'
        self._put(head.encode() + self._prev + b'"')
        self.state = WAITING

    def _put(self, body: bytes) -> None:
        digest = sha256(body).hexdigest().encode()
        line = b"".join((body, b',"hash":"', digest, b'"}\n'))
        length = len(line)
        if length > MAX_LINE:
            raise LogUnavailable(
                f"An event of {length} bytes is longer than a line of the access log may be ({MAX_LINE}).",
                hint="touch fewer people in one statement: work in chunks.",
            )
        try:
            written = os.write(self._fd, line)
        except OSError as error:
            raise unavailable(f"The access log cannot write to {self.path}", error) from error
        if written != length:
            self._complete(line, written)
        self._prev = digest
        self.seq += 1
        self.size += length  # last: whatever interrupts before this line makes recover() say no

    def _complete(self, line: bytes, written: int) -> None:
        """Write the rest of a line of which only a part arrived, or take that part back."""
        try:
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            with suppress(OSError):  # if it stays, recover() sees it and a new segment begins
                os.ftruncate(self._fd, self.size)
            raise unavailable(f"The access log cannot write to {self.path}", error) from error

    def _turn(self, now: int) -> int:
        """Once in every second with events: look at the file, renew the cached time. Returns ns into the second."""
        self._check()
        second, elapsed = divmod(now, SECOND)
        self._heads.clear()
        self._second = second * SECOND
        if now - self._opened >= self._seconds * SECOND:
            self._full = 0
        return elapsed

    def _head(self, kind: str) -> bytes:
        if _KIND.fullmatch(kind) is None:
            raise ValueError("the kind of an event is up to 32 lower-case letters, digits and underscores")
        if kind in _OWN_KINDS:
            raise ValueError(f"only the log itself writes {kind!r} events")
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._second // SECOND))
        head = f'{{"kind":"{kind}","at":"{at}.%06dZ","writer":"{self.writer}","seq":%d,%b,"prev":"%b"'.encode()
        if len(self._heads) < _MAX_KINDS:
            self._heads[kind] = head
        return head

    def _check(self) -> None:
        """Refuse if the file is not the one that was opened, or does not end where this writer left it."""
        try:
            found = self.path.lstat()
            open_now = os.fstat(self._fd)
        except OSError as error:
            raise unavailable(f"The access log lost its segment {self.path}", error) from error
        if not self._is_mine(open_now):
            raise LogUnavailable(
                f"Something in this process closed the file that the access log writes to, {self.path}.",
                hint="find what closes file descriptors it did not open; the next event begins a new segment.",
            )
        if not self._is_mine(found):
            raise LogUnavailable(
                f"The access log's segment {self.path} was replaced by another file.",
                hint="find out who did it; the next event begins a new segment.",
            )
        if found.st_size != self.size:
            raise LogUnavailable(
                f"The access log's segment {self.path} was changed from outside.",
                hint="run verify() and find out who did it; the next event begins a new segment.",
            )
