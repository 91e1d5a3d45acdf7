"""The log in a directory: finding events in its segments with no more decoded than has to be, and all else one may ask."""

from __future__ import annotations

import os
import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, Final

from sa_privacy.accesslog.event import Event, decode_event
from sa_privacy.accesslog.journal.log import AccessLog
from sa_privacy.accesslog.journal.reading import COMPRESSED, open_segment
from sa_privacy.accesslog.journal.segment import MAX_LINE, unavailable
from sa_privacy.accesslog.logplace import LogStatus
from sa_privacy.accesslog.proof.places import Place
from sa_privacy.accesslog.proof.verify import Progress, Verification, verify_directory
from sa_privacy.accesslog.questions.files import SegmentFile, last_event, segment_files
from sa_privacy.accesslog.questions.follow import Follow, last_events
from sa_privacy.accesslog.questions.needles import Bytes, Sieve
from sa_privacy.accesslog.questions.status import log_status
from sa_privacy.accesslog.unbounded import Tally, Unbounded, is_unbounded
from sa_privacy.accesslog.wanted import Wanted
from sa_privacy.crypto import VerifyingKey
from sa_privacy.errors import LogUnavailable

__all__ = ["Journal"]

_CHUNK: Final = (
    512 * 1024
)  # more than a file's own buffer, so that it is read into its place; and stays in the cache of the processor
_ENDS: Final = frozenset({"outcome", "use"})
_CLOCKS = timedelta(days=1)
"""How far a clock may have been off, or set back, without an event being missed for the time in a segment's name."""


class Journal:
    """The log of a directory as a :class:`~sa_privacy.accesslog.LogPlace`. Needs no right to write, but for :meth:`writing`.

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
        for file, after in zip_longest(files, files[1:]):
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

    def _lines(self, name: str, sieve: Sieve) -> Iterator[tuple[int, Bytes]]:
        place = 0
        try:
            with open_segment(self.path / name) as file:
                for chunk, size in _chunks(file, sized=not name.endswith(COMPRESSED)):
                    for start, line in sieve.lines(chunk, size):
                        yield place + start, line
                    place += size
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

    def last(self, wanted: Wanted, count: int) -> list[Event]:
        """The last `count` events wanted, by time."""
        return last_events(self.path, wanted, count)

    def follow(self, wanted: Wanted) -> Follow:
        """The events wanted that are written from now on, by whichever process."""
        return Follow(self.path, wanted)

    def status(self) -> LogStatus:
        """Its size, its writers, its first and last event; looks at names, sizes and last lines only."""
        return log_status(self.path)

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
        """See :func:`~sa_privacy.accesslog.verify_directory`."""
        return verify_directory(
            self.path, key=key, second=second, workers=workers, executor=executor, resume=resume, progress=progress
        )

    def writing(self) -> AccessLog:
        """The log, to write to as one more writer."""
        return AccessLog.open(self.path)

    def __repr__(self) -> str:
        return f"Journal({str(self.path)!r})"


def _chunks(file: BinaryIO, *, sized: bool) -> Iterator[tuple[bytearray, int]]:
    """Whole lines, many at a time, up to where the file ended at the start; a torn last line is left out.

    :yields: a buffer, and how much of it they are. It is the same one each time: reading into new memory takes longer than
        searching it.
    """
    left = os.fstat(file.fileno()).st_size if sized else sys.maxsize
    buffer, held = bytearray(_CHUNK), 0  # of a line whose end is not read yet, so many bytes
    while left > 0:
        if held == len(buffer):
            buffer += bytes(_CHUNK)
        with memoryview(buffer) as view:
            read = file.readinto(view[held : held + min(left, len(buffer) - held)])  # type: ignore[attr-defined]
        if not read:
            return
        left -= read
        end = buffer.rfind(b"\n", held, held + read) + 1
        if end:
            yield buffer, end
            rest = buffer[end : held + read]
            held = len(rest)
            buffer[:held] = rest
        elif held <= MAX_LINE:  # else no line of a log: verifying tells
            held += read
