"""One segment: the bytes of its lines, and the writer that appends them (docs/spec/log.md)."""

from __future__ import annotations

import errno
import os
import re
import secrets
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import time_ns

from sa_privacy.errors import LogUnavailable

__all__ = [
    "FORMAT",
    "MAX_LINE",
    "START",
    "Segment",
    "segment_name",
    "unavailable",
]

FORMAT = 1
MAX_LINE = 16 * 1024 * 1024
"""The longest line in bytes, its line break included: what a reader must be ready to hold."""
START = b"0" * 64
"""``prev`` of the first line of a segment."""

_SECOND = 1_000_000_000
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_OWN_KINDS = ("opened", "closed")
_MAX_KINDS = 64
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

_HINTS = {
    errno.ENOSPC: "free space on its volume; the log goes on by itself as soon as it can write",
    errno.EDQUOT: "raise the quota or free space; the log goes on by itself as soon as it can write",
    errno.EFBIG: "raise the file size limit of the process, or restart it to begin a new segment",
    errno.EROFS: "mount its volume for writing, or open the log in another directory",
    errno.EACCES: "let the user that runs this process write there, or open the log in another directory",
    errno.EPERM: "let the user that runs this process write there, or open the log in another directory",
    errno.ENOENT: "bring the directory back (is its volume mounted?), or open the log in another one",
    errno.ENOTDIR: "name a directory",
    errno.EEXIST: "name a directory",
    errno.EMFILE: "raise the limit of open files of the process",
    errno.ENFILE: "raise the limit of open files of the machine",
}


def unavailable(what: str, error: OSError) -> LogUnavailable:
    """The refusal for an error of the operating system; raise it ``from`` that error."""
    hint = _HINTS.get(error.errno or 0, "check the volume the log is on, or open the log in another directory")
    return LogUnavailable(f"{what}: {error.strerror or type(error).__name__}.", hint=f"{hint}.")


def _own_line(kind: str, at: str, writer: str, *, seq: int, members: str, prev: bytes) -> bytes:
    """A line that only the log itself writes, up to its hash."""
    return f'{{"kind":"{kind}","at":"{at}","writer":"{writer}","seq":{seq},{members}"prev":"'.encode() + prev + b'"'


def _refuse_break() -> None:
    raise ValueError("an event is one line: its members hold a line break")


def _moment(now: int) -> str:
    """A time in ns since 1970 as it stands in a line: UTC, microseconds."""
    second, rest = divmod(now, _SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{rest // 1000:06d}Z"


def segment_name(at: str, writer: str) -> str:
    """The file name that belongs to the first line's ``at`` and ``writer``; names sort by opening time."""
    return f"{at.replace('-', '').replace(':', '')}-{writer}.jsonl"


class Segment:
    """The writer of one segment file. Not for several threads: the log holds its lock around every call.

    ``busy`` stays True while a line is on its way, and after one that did not arrive; ``failed`` tells the latter.
    """

    __slots__ = ("_fd", "_heads", "_id", "_path", "_prev", "_second", "_seq", "_size", "busy", "failed", "writer")

    def __init__(self, path: Path, fd: int, writer: str) -> None:
        self.writer = writer
        self.busy = False
        self.failed = False
        self._path = path
        self._fd = fd
        self._heads: dict[str, bytes] = {}
        self._second = 0
        self._seq = 0
        self._size = 0
        self._prev = START
        found = os.fstat(fd)
        self._id = (found.st_dev, found.st_ino)

    @classmethod
    def begin(cls, directory: Path) -> Segment:
        """Make a new segment file with its first line.

        :raises LogUnavailable: the file cannot be made or written; no file is left behind.
        """
        at = _moment(time_ns())
        writer = secrets.token_hex(8)
        path = directory / segment_name(at, writer)
        try:
            fd = os.open(path, _FLAGS, 0o600)
        except OSError as error:
            raise unavailable(f"The access log cannot begin a segment in {directory}", error) from error
        try:
            segment = cls(path, fd, writer)
            segment._put(_own_line("opened", at, writer, seq=0, members=f'"format":{FORMAT},', prev=START))
        except BaseException:
            os.close(fd)
            with suppress(OSError):  # an empty segment is harmless, and the first error counts
                path.unlink()
            raise
        return segment

    def append(self, kind: str, members: bytes) -> int:
        """Write one event and return its number; see :meth:`AccessLog.append`."""
        try:
            self.busy = True
            elapsed = time_ns() - self._second
            if not 0 <= elapsed < _SECOND:
                elapsed = self._turn(elapsed + self._second)
            head = self._heads.get(kind) or self._head(kind)
            if 0x0A in members:
                _refuse_break()
            seq = self._seq
            if members:
                self._put(head % (elapsed // 1000, seq, members, self._prev))
            else:
                self._put(head.replace(b",%b", b"", 1) % (elapsed // 1000, seq, self._prev))
            self.busy = False
        except BaseException:  # also an interrupt: what is in the file is no longer known
            self.busy = self.failed = True
            raise
        return seq

    def finish(self) -> None:
        """Write the closing line.

        :raises LogUnavailable: it cannot be written, or the file is not as this writer left it.
        """
        self._check()
        at = _moment(time_ns())
        self._put(_own_line("closed", at, self.writer, seq=self._seq, members="", prev=self._prev))

    def recover(self) -> bool:
        """After a failed append: True if the file ends with the last good line, and appending may go on."""
        try:
            self._check()
        except LogUnavailable:
            return False
        self.busy = self.failed = False
        return True

    def release(self) -> None:
        """Let go of the file as it is."""
        with suppress(OSError):  # nothing more is written through it
            if self._is_mine(os.fstat(self._fd)):  # else someone closed it, and the number is another file's now
                os.close(self._fd)
        self._fd = -1

    def _is_mine(self, found: os.stat_result) -> bool:
        return (found.st_dev, found.st_ino) == self._id

    def _put(self, body: bytes) -> None:
        digest = sha256(body).hexdigest().encode()
        line = body + b',"hash":"' + digest + b'"}\n'
        length = len(line)
        if length > MAX_LINE:
            raise LogUnavailable(
                f"An event of {length} bytes is longer than a line of the access log may be ({MAX_LINE}).",
                hint="touch fewer people in one statement: work in chunks.",
            )
        try:
            written = os.write(self._fd, line)
        except OSError as error:
            raise unavailable(f"The access log cannot write to {self._path}", error) from error
        if written != length:
            self._complete(line, written)
        self._prev = digest
        self._seq += 1
        self._size += length  # last: whatever interrupts before this line makes recover() say no

    def _complete(self, line: bytes, written: int) -> None:
        """Write the rest of a line of which only a part arrived, or take that part back."""
        try:
            while written < len(line):
                written += os.write(self._fd, line[written:])
        except OSError as error:
            with suppress(OSError):  # if it stays, recover() sees it and a new segment begins
                os.ftruncate(self._fd, self._size)
            raise unavailable(f"The access log cannot write to {self._path}", error) from error

    def _turn(self, now: int) -> int:
        """Once in every second with events: look at the file, renew the cached time. Returns ns into the second."""
        self._check()
        second, elapsed = divmod(now, _SECOND)
        self._heads.clear()
        self._second = second * _SECOND
        return elapsed

    def _head(self, kind: str) -> bytes:
        if _KIND.fullmatch(kind) is None:
            raise ValueError("the kind of an event is up to 32 lower-case letters, digits and underscores")
        if kind in _OWN_KINDS:
            raise ValueError(f"only the log itself writes {kind!r} events")
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._second // _SECOND))
        head = f'{{"kind":"{kind}","at":"{at}.%06dZ","writer":"{self.writer}","seq":%d,%b,"prev":"%b"'.encode()
        if len(self._heads) < _MAX_KINDS:
            self._heads[kind] = head
        return head

    def _check(self) -> None:
        """Refuse if the file is not the one that was opened, or does not end where this writer left it."""
        try:
            found = self._path.lstat()
            open_now = os.fstat(self._fd)
        except OSError as error:
            raise unavailable(f"The access log lost its segment {self._path}", error) from error
        if not self._is_mine(open_now):
            raise LogUnavailable(
                f"Something in this process closed the file that the access log writes to, {self._path}.",
                hint="find what closes file descriptors it did not open; the next event begins a new segment.",
            )
        if not self._is_mine(found):
            raise LogUnavailable(
                f"The access log's segment {self._path} was replaced by another file.",
                hint="find out who did it; the next event begins a new segment.",
            )
        if found.st_size != self._size:
            raise LogUnavailable(
                f"The access log's segment {self._path} was changed from outside.",
                hint="run verify() and find out who did it; the next event begins a new segment.",
            )
