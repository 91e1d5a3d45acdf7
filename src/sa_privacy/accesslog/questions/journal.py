"""Finding events in the segments of a directory, with no more decoded than has to be."""

from __future__ import annotations

import os
import re
import sys
import warnings
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from sa_privacy.accesslog.event import Event, decode_event
from sa_privacy.accesslog.journal.reading import COMPRESSED, open_segment, segment_names
from sa_privacy.accesslog.journal.segment import MAX_LINE, unavailable
from sa_privacy.accesslog.questions.needles import Sieve
from sa_privacy.accesslog.unbounded import Tally, Unbounded, is_unbounded
from sa_privacy.accesslog.wanted import Wanted
from sa_privacy.errors import LogUnavailable

__all__ = ["Journal", "SegmentFile", "last_event", "segment_files"]

_NAME: Final = re.compile(r"(\d{8}T\d{6}\.\d{6})Z-([0-9a-f]{16})\.jsonl", re.ASCII)
_CHUNK: Final = 256 * 1024  # stays in the cache of the processor while it is searched
_TAIL: Final = 64 * 1024
_ENDS: Final = frozenset({"outcome", "use"})
_CLOCKS = timedelta(days=1)
"""How far a clock may have been off, or set back, without an event being missed for the time in a segment's name."""


class SegmentFile(NamedTuple):
    """A segment's file: its name, and what the name says.

    :ivar opened: None where the file is not named as a segment is; its events are read all the same.
    """

    name: str
    opened: datetime | None
    writer: str


def segment_files(directory: Path) -> list[SegmentFile]:
    """The segments of a log by writer, each writer's in order, writers in order of their first.

    :raises LogUnavailable: the directory cannot be listed.
    """
    writers: dict[str, list[SegmentFile]] = {}
    for name in segment_names(directory):
        found = _NAME.fullmatch(name.removesuffix(COMPRESSED))
        opened = None if found is None else _opened(found[1])
        writer = name if found is None else found[2]
        writers.setdefault(writer, []).append(SegmentFile(name, opened, writer))
    return [file for files in writers.values() for file in files]


def _opened(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None


class Journal:
    """The log of a directory as a :class:`~sa_privacy.accesslog.wanted.Source`. Needs no right to write.

    Segments that were opened after the time asked for, or left before it, are not read. That trusts the clocks to a
    day: an event of a machine whose clock was farther off is found by asking without a time.
    """

    __slots__ = ("path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def find(self, wanted: Wanted) -> Iterator[Event]:
        """The events wanted; see :meth:`Source.find`. A line that is not an event is left out with a ``RuntimeWarning``.

        :raises LogUnavailable: the directory or a segment cannot be read.
        """
        return self._find(wanted, Sieve(wanted))

    def unbounded(
        self, *, since: datetime | None = None, until: datetime | None = None, besides: str | None = None
    ) -> tuple[Unbounded, ...]:
        """What cannot be told whose data it was; see :meth:`Source.unbounded`.

        :raises LogUnavailable: the directory or a segment cannot be read.
        """
        wanted, tally = Wanted(kinds=_ENDS, since=since, until=until), Tally()
        for event in self._find(wanted, Sieve(wanted, b'"unbounded":true')):
            if is_unbounded(event) and besides not in (event.subjects or ()):
                tally.add(event)
        return tally.found

    def _find(self, wanted: Wanted, sieve: Sieve) -> Iterator[Event]:
        takes = wanted.takes
        writers = {writer for writer, _ in wanted.intents}
        files = segment_files(self.path)
        for file, after in zip(files, [*files[1:], None], strict=True):
            left = after.opened if after is not None and after.writer == file.writer else None
            if (writers and file.writer not in writers) or self._is_outside(file, left, wanted):
                continue
            for place, line in self._lines(file.name, sieve):
                try:
                    event = decode_event(line)
                except ValueError:
                    warnings.warn(f"{file.name} byte {place} begins no event; run verify()", RuntimeWarning, 2)
                    continue
                if takes(event):
                    yield event

    def _is_outside(self, file: SegmentFile, left: datetime | None, wanted: Wanted) -> bool:
        """Whether a segment holds nothing of the time asked for.

        :param left: when its writer went on to the next.
        """
        if file.opened is None:
            return False
        if wanted.until is not None and file.opened - _CLOCKS > wanted.until:
            return True
        if wanted.since is None or file.opened > wanted.since:
            return False
        if left is None and not file.name.endswith(COMPRESSED):
            last = last_event(self.path / file.name)
            left = None if last is None else last.at
        return left is not None and left + _CLOCKS < wanted.since

    def _lines(self, name: str, sieve: Sieve) -> Iterator[tuple[int, bytes]]:
        place = 0
        try:
            with open_segment(self.path / name) as file:
                for chunk in _chunks(file, sized=not name.endswith(COMPRESSED)):
                    for start, line in sieve.lines(chunk):
                        yield place + start, line
                    place += len(chunk)
        except FileNotFoundError:  # compressed or removed since the directory was listed
            if not name.endswith(COMPRESSED) and (self.path / (name + COMPRESSED)).exists():
                yield from self._lines(name + COMPRESSED, sieve)
        except (EOFError, zlib.error) as error:
            raise LogUnavailable(
                f"The access log's compressed segment {name} is damaged.",
                hint="run verify(), and bring the file back from a backup.",
            ) from error
        except OSError as error:
            raise unavailable(f"The access log's segment {name} cannot be read", error) from error

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r})"


def _chunks(file: BinaryIO, *, sized: bool) -> Iterator[bytes]:
    """Whole lines, many at a time, up to where the file ended at the start; a torn last line is left out."""
    left = os.fstat(file.fileno()).st_size if sized else sys.maxsize
    rest = b""
    while left > 0 and (read := file.read(min(left, _CHUNK))):
        left -= len(read)
        end = read.rfind(b"\n") + 1
        if end:
            yield rest + read[:end]
            rest = read[end:]
        elif len(rest) <= MAX_LINE:  # else no line of a log: verifying tells
            rest += read


def last_event(path: Path) -> Event | None:
    """The last whole event of a segment that is not compressed; None where its last bytes hold none."""
    try:
        with open_segment(path) as file:
            size = os.fstat(file.fileno()).st_size
            for length in (_TAIL, MAX_LINE + _TAIL):
                file.seek(max(0, size - length))
                lines = file.read(length).split(b"\n")[1 if length < size else 0 : -1]
                for line in reversed(lines):
                    try:
                        return decode_event(line)
                    except ValueError:
                        continue
    except OSError:
        pass
    return None
