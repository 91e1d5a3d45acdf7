"""What is written while one looks: the end of a log, and what is added to it."""

from __future__ import annotations

import errno
import heapq
import itertools
import os
import warnings
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from sa_privacy.accesslog.event import Event, decode_event
from sa_privacy.accesslog.journal.reading import COMPRESSED, open_segment, read_lines
from sa_privacy.accesslog.journal.segment import MAX_LINE, unavailable
from sa_privacy.accesslog.questions.files import segment_files
from sa_privacy.accesslog.questions.needles import Sieve
from sa_privacy.accesslog.wanted import Wanted

__all__ = ["Follow", "last_events"]

_BLOCK: Final = 256 * 1024


class Follow:
    """Follows a directory from now on: all writers, their next segments, and writers that are new.

    :param path: the log's directory. Memory: one number for each segment in it.
    :raises LogUnavailable: it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], wanted: Wanted | None = None) -> None:
        self._path = Path(path)
        self._takes = (wanted or Wanted()).takes
        self._sieve = Sieve(wanted or Wanted())
        self._read: dict[str, int] = {}
        for file in segment_files(self._path):
            self._read[file.name.removesuffix(COMPRESSED)] = _end(self._path / file.name)

    def new(self) -> Iterator[Event]:
        """What was written since the last call, by time as far as each writer's order allows.

        A segment that became shorter is told with a ``RuntimeWarning``.

        :raises LogUnavailable: the log cannot be read.
        """
        return heapq.merge(*map(self._of, [file.name for file in segment_files(self._path)]), key=lambda one: one.at)

    def _of(self, name: str) -> Iterator[Event]:
        if name.endswith(COMPRESSED):  # nobody writes it any more
            return
        place = self._read.setdefault(name, 0)
        try:
            size = (self._path / name).stat().st_size
            if size < place:
                warnings.warn(f"{name} became shorter; run verify()", RuntimeWarning, 2)
                self._read[name] = _end(self._path / name)
            if size <= place:
                return
            with open_segment(self._path / name) as file:
                file.seek(place)
                rest = b""
                while read := file.read(_BLOCK):
                    lines, line_break, torn = (rest + read).rpartition(b"\n")
                    rest = torn
                    self._read[name] += len(lines) + len(line_break)
                    yield from self._events(lines + line_break)
        except FileNotFoundError:  # compressed or removed meanwhile
            return
        except OSError as error:
            raise unavailable(f"The access log's segment {name} cannot be read", error) from error

    def _events(self, chunk: bytes) -> Iterator[Event]:
        for _, line in self._sieve.lines(chunk, len(chunk)):
            try:
                event = decode_event(line)
            except ValueError:
                continue  # Journal.find and verifying tell
            if self._takes(event):
                yield event


def _end(path: Path) -> int:
    """Where the last whole line of a segment ends."""
    if path.name.endswith(COMPRESSED):
        return 0
    try:
        with open_segment(path) as file:
            place = os.fstat(file.fileno()).st_size
            while place > 0:
                begin = max(0, place - _BLOCK)
                file.seek(begin)
                found = file.read(place - begin).rfind(b"\n")
                if found >= 0:
                    return begin + found + 1
                place = begin
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unavailable(f"The access log's segment {path.name} cannot be read", error) from error
    return 0


def last_events(directory: Path, wanted: Wanted, count: int) -> list[Event]:
    """The last `count` events wanted, by time. Reads segments from their ends, the latest first.

    Those that are compressed are looked into only where the others hold too few.

    :raises LogUnavailable: the log cannot be read.
    """
    found: list[tuple[datetime, int, Event]] = []
    tie = itertools.count()
    files = sorted(segment_files(directory), key=lambda file: file.name, reverse=True) if count > 0 else []
    files.sort(key=lambda file: file.name.endswith(COMPRESSED))
    for file in files:
        compressed = file.name.endswith(COMPRESSED)
        if compressed and len(found) == count:
            break
        path = directory / file.name
        for line in _forwards(path) if compressed else _backwards(path):
            try:
                event = decode_event(line)
            except ValueError:
                continue
            if len(found) == count and event.at < found[0][0]:
                if compressed:
                    continue
                break
            if wanted.takes(event):
                heapq.heappush(found, (event.at, next(tie), event))
                if len(found) > count:
                    heapq.heappop(found)
    return [event for _, _, event in sorted(found, key=lambda one: (one[0], one[2].writer, one[2].seq))]


def _backwards(path: Path) -> Iterator[bytes]:
    """The whole lines of a segment from its end."""
    place, rest = _end(path), b""
    try:
        with open_segment(path) as file:
            while place > 0 and len(rest) <= MAX_LINE:
                begin = max(0, place - _BLOCK)
                file.seek(begin)
                lines = (file.read(place - begin) + rest).split(b"\n")
                place, rest = begin, lines.pop(0)
                yield from reversed(lines)
            yield rest
    except FileNotFoundError:
        return
    except OSError as error:
        raise unavailable(f"The access log's segment {path.name} cannot be read", error) from error


def _forwards(path: Path) -> Iterator[bytes]:
    try:
        with open_segment(path) as file:
            yield from read_lines(file)
    except FileNotFoundError:
        return
    except (OSError, EOFError, zlib.error) as error:
        said = error if isinstance(error, OSError) else OSError(errno.EIO, "damaged")
        raise unavailable(f"The access log's segment {path.name} cannot be read", said) from error
