"""Where checkpoints stand: files of a directory, the log's own or another one, or what has the same face."""

from __future__ import annotations

import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from sa_privacy.accesslog.journal.disk import flush_directory
from sa_privacy.accesslog.journal.reading import open_regular
from sa_privacy.accesslog.proof.chain import Bad
from sa_privacy.accesslog.proof.checkpoint import MAX_BYTES, read_checkpoint
from sa_privacy.accesslog.trouble import unavailable

if sys.platform != "win32":
    import fcntl

__all__ = ["CheckpointFiles", "Line", "Place", "locked", "place_of"]

_NAME = re.compile(r"checkpoints-\d{4}-\d\d\.ndjson", re.ASCII)


class Line(NamedTuple):
    """A checkpoint as it stands somewhere: where, for messages, and its bytes without the line break."""

    file: str
    line: int
    text: bytes


class Place(Protocol):
    """A place for checkpoints. All methods raise :class:`LogUnavailable` where it cannot be reached."""

    def last(self) -> Line | None:
        """The last checkpoint there."""
        ...

    def lines(self, after: int = 0) -> Iterator[Line]:
        """The checkpoints that are there now, in order.

        :param after: those with a greater number. Earlier ones may come as well.
        """
        ...

    def add(self, lines: Iterable[Line]) -> None:
        """Put checkpoints behind those that are there; on the disk when it returns. A number is written only once."""
        ...


def place_of(place: Place | str | os.PathLike[str] | None) -> Place | None:
    """The place that a path or a database URL means."""
    if place is None or not isinstance(place, (str, os.PathLike)):
        return place
    if isinstance(place, str) and "://" in place:
        from sa_privacy.accesslog.sinks.checkpoints import CheckpointTable  # noqa: PLC0415 - SQLAlchemy only if asked

        return CheckpointTable(place)
    return CheckpointFiles(Path(place).absolute())


class CheckpointFiles:
    """The files ``checkpoints-<year>-<month>.ndjson`` of a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def names(self) -> list[str]:
        """The files there are, in order.

        :raises LogUnavailable: the directory cannot be listed.
        """
        try:
            return sorted(path.name for path in self.directory.iterdir() if _NAME.fullmatch(path.name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unavailable(f"The checkpoints in {self.directory} cannot be read", error) from error

    def lines(self, after: int = 0) -> Iterator[Line]:
        ends = [(name, self._size(name)) for name in self.names()]  # now: what is added later is not read
        return self._lines(ends)

    def read(self, name: str) -> Iterator[Line]:
        """The whole lines of one file."""
        return self._lines([(name, self._size(name))])

    def last(self) -> Line | None:
        for name in reversed(self.names()):
            for line in deque(self.read(name), maxlen=1):
                return line
        return None

    def add(self, lines: Iterable[Line]) -> None:
        try:
            with locked(self.directory):  # it is not made: what is not mounted is no second place
                last = self.last()
                known = 0 if last is None else _number(last)
                for line in lines:
                    if _number(line) == known + 1:
                        self.append(line)
                        known += 1
        except OSError as error:
            raise unavailable(f"The checkpoints cannot be written in {self.directory}", error) from error

    def append(self, line: Line) -> None:
        """Write one line at the end of its file, under the lock; a torn line there is taken away before.

        :raises OSError: it is not there, or only a part of it, which is taken away the next time.
        """
        path = self.directory / line.file
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            size = os.fstat(fd).st_size
            if size:
                whole = _whole(fd, size)
                if whole < size:
                    os.ftruncate(fd, whole)
            else:
                flush_directory(self.directory)
            rest = memoryview(line.text + b"\n")
            while rest:
                rest = rest[os.write(fd, rest) :]
            os.fsync(fd)
        finally:
            os.close(fd)

    def _size(self, name: str) -> int:
        try:
            return (self.directory / name).stat().st_size
        except OSError as error:
            raise unavailable(f"The checkpoints {name} cannot be read", error) from error

    def _lines(self, ends: list[tuple[str, int]]) -> Iterator[Line]:
        for name, size in ends:
            left = size
            try:
                with open_regular(self.directory / name) as file:
                    number = 0
                    while left > 0 and (line := file.readline(min(left, MAX_BYTES))).endswith(b"\n"):
                        left -= len(line)
                        number += 1
                        yield Line(name, number, line[:-1])
                    if left >= MAX_BYTES:  # no line break: no checkpoint, but no torn one either
                        yield Line(name, number + 1, b"")
            except OSError as error:
                raise unavailable(f"The checkpoints {name} cannot be read", error) from error


def _number(line: Line) -> int:
    try:
        return read_checkpoint(line.text, number=None, prev=None, keys=None)[0].number
    except Bad:
        return 0


def _whole(fd: int, size: int) -> int:
    """The bytes of a file up to its last line break."""
    end = size
    while end > 0:
        begin = max(0, end - 65_536)
        os.lseek(fd, begin, os.SEEK_SET)
        place = os.read(fd, end - begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return 0


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory against another process that writes checkpoints in it."""
    if sys.platform == "win32":
        yield
        return
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # network file systems that lock no directories
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
