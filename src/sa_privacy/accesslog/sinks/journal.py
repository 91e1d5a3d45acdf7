"""The journal's segments as a shipper sees them: what of each was not shipped yet, in batches."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sa_privacy.accesslog.journal.reading import COMPRESSED, open_segment, read_lines, segment_names
from sa_privacy.accesslog.journal.segment import MAX_LINE, unavailable
from sa_privacy.accesslog.sinks.entry import Row, links_of, moment_of, row_of
from sa_privacy.accesslog.sinks.target import Batch, Mark, Move, Unshippable
from sa_privacy.errors import LogUnavailable

__all__ = ["Journal", "Rest"]

_MOST_BYTES = 4 * 1024 * 1024
_END = 64 * 1024


class Rest(NamedTuple):
    """What of a segment was not shipped yet.

    :ivar oldest: when the first of those events was written, aware; None where there is none.
    """

    events: int
    bytes: int
    oldest: datetime | None


_NOTHING = Rest(0, 0, None)


class Journal:
    """The segments in a directory.

    :param most: lines in a batch. A batch holds no more than about 4 MiB either, or one line.
    """

    def __init__(self, directory: str | os.PathLike[str], most: int) -> None:
        self.path = Path(directory)
        self._most = most
        #: Segments that are shorter than what was shipped of them: a power failure took their end, or somebody cut it.
        self.shortened: set[str] = set()

    def segments(self) -> dict[str, int]:
        """Their names, as they are in the chain, in order of opening, and where each ends now.

        :raises LogUnavailable: the directory cannot be read.
        """
        found = {}
        for name in segment_names(self.path):
            if name.endswith(COMPRESSED):
                found[name.removesuffix(COMPRESSED)] = sys.maxsize  # nobody writes those
            else:
                with suppress(OSError):  # gone, or compressed, since; if it cannot be read, reading it says so
                    found[name] = (self.path / name).lstat().st_size
        return found

    def batches(self, segments: Mapping[str, int], marks: dict[str, Mark]) -> Generator[Batch, None, None]:
        """What is behind the marks and before the ends. A line that is not finished waits.

        :raises LogUnavailable: a segment cannot be read.
        :raises Unshippable: a line is no event, or does not go on where the mark is.
        """
        batch = Batch()
        rows = batch.rows
        for name, end in segments.items():
            start = mark = marks.get(name, Mark())
            fault: LogUnavailable | None = None
            row: Row | None = None
            place = mark.bytes
            try:
                for line in self._lines(name, mark, end):
                    size = len(line)
                    if len(rows) >= self._most or batch.size + size > _MOST_BYTES:
                        if row is not None:
                            mark = _mark(place, row)
                        if mark != start:
                            batch.moves.append(Move(name, start, mark))
                        if rows:
                            yield batch
                        batch, start = Batch(), mark
                        rows = batch.rows
                    try:
                        following = row_of(line)
                    except ValueError as error:
                        raise _unshippable(name, place, error) from None
                    if row is None and place:
                        _must_go_on(following, mark, name)
                    row = following
                    place += size
                    batch.size += size
                    rows.append(row)
            except LogUnavailable as error:  # what stands before it is shipped first
                fault = error
            if row is not None and (mark := _mark(place, row)) != start:
                batch.moves.append(Move(name, start, mark))
            if fault is not None:
                if batch.rows:
                    yield batch
                raise fault
        if batch.rows:
            yield batch

    def rest(self, segment: str, mark: Mark) -> Rest:
        """What of a segment is behind its mark; the last line tells how much, the lines between are not read.

        :raises LogUnavailable: it cannot be read.
        """
        with self._behind(segment, mark) as found:
            if found is None:
                return _NOTHING
            file, compressed = found
            if compressed:
                if mark.closed:
                    return _NOTHING
                sizes = [len(line) for line in self._whole(file)]
                if not sizes:
                    return _NOTHING
                file.seek(mark.bytes)
                return Rest(len(sizes), sum(sizes), moment_of(_row(file.readline(), segment, mark.bytes)))
            line = file.readline(MAX_LINE + 1)
            if not line.endswith(b"\n"):
                return _NOTHING
            first = _row(line, segment, mark.bytes)
            end, last = _last_line(file, mark.bytes)
            events = _row(last, segment, end - len(last))[1] - first[1] + 1
            return Rest(events, end - mark.bytes, moment_of(first))

    def _lines(self, segment: str, mark: Mark, end: int) -> Iterator[bytes]:
        """The finished lines behind a mark that begin before an end."""
        if end == mark.bytes or (mark.closed and end == sys.maxsize):
            return
        with self._behind(segment, mark) as found:
            if found is not None:
                left = end - mark.bytes
                for line in self._whole(found[0]):
                    if left <= 0:
                        return
                    left -= len(line)
                    yield line

    @contextmanager
    def _behind(self, segment: str, mark: Mark) -> Iterator[tuple[BinaryIO, bool] | None]:
        """A segment's file at its mark, and whether it is compressed; None: nothing stands there."""
        path = self.path / segment
        try:
            try:
                file = open_segment(path)  # under its name, or its compressed one
            except FileNotFoundError:  # its time had come
                yield None
                return
            compressed = isinstance(file, gzip.GzipFile)
            with file:
                size = None if compressed else os.fstat(file.fileno()).st_size
                if size is not None and size < mark.bytes:
                    self.shortened.add(segment)
                if size is not None and size <= mark.bytes:
                    yield None
                    return
                file.seek(mark.bytes)
                yield file, compressed
        except (EOFError, zlib.error):
            raise Unshippable(
                f"The compressed segment {segment} is damaged.", hint="bring the file back from a backup."
            ) from None
        except OSError as error:
            raise unavailable(f"The segment {segment} cannot be read", error) from error

    def _whole(self, file: BinaryIO) -> Iterator[bytes]:
        """Lines that are finished; one that is too long for a line is handed on, to be refused."""
        for line in read_lines(file):
            if line.endswith(b"\n") or len(line) > MAX_LINE:
                yield line


def _row(line: bytes, segment: str, place: int) -> Row:
    try:
        return row_of(line)
    except ValueError as error:
        raise _unshippable(segment, place, error) from None


def _unshippable(segment: str, place: int, error: ValueError) -> Unshippable:
    return Unshippable(
        f"The line at byte {place} of the segment {segment} cannot be shipped: {error}.",
        hint="nothing behind it is shipped: run verify on the journal, and put the segment right or aside.",
    )


def _mark(place: int, row: Row) -> Mark:
    """The mark behind a row whose line ends at a place."""
    return Mark(place, row[1] + 1, links_of(row).hash, row[3] == "closed")


def _must_go_on(row: Row, mark: Mark, segment: str) -> None:
    if (links_of(row).prev, row[1]) != (mark.hash, mark.seq):
        raise Unshippable(
            f"The segment {segment} does not go on, at byte {mark.bytes}, where shipping it left off.",
            hint="it was changed since: run verify on the journal and on what was shipped.",
        )


def _last_line(file: BinaryIO, begin: int) -> tuple[int, bytes]:
    """The last finished line behind a place where one begins, and where it ends."""
    end = os.fstat(file.fileno()).st_size
    step = _END
    while True:
        place = max(begin, end - step)
        file.seek(place)
        piece = file.read(end - place)
        stop = piece.rfind(b"\n")
        start = piece.rfind(b"\n", 0, max(stop, 0))
        if stop >= 0 and (start >= 0 or place == begin):
            return place + stop + 1, piece[start + 1 : stop + 1]
        step *= 8
