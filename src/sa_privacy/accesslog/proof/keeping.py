"""Keeping the log by its own schedule: old segments are compressed, and later let go with their heads kept."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sa_privacy.accesslog.event import decode_event
from sa_privacy.accesslog.journal.disk import flush_directory, hold_alone, is_free
from sa_privacy.accesslog.journal.reading import COMPRESSED, open_regular, open_segment, read_lines, segment_names
from sa_privacy.accesslog.lines import moment
from sa_privacy.accesslog.proof.chain import SEGMENT_NAME, Problem, Segment, writer_of
from sa_privacy.accesslog.proof.checkpoint import Removed
from sa_privacy.accesslog.proof.checkpoints import Checkpoints
from sa_privacy.accesslog.proof.linking import join, starts
from sa_privacy.accesslog.proof.segments import examine
from sa_privacy.accesslog.proof.snapshot import take_snapshot
from sa_privacy.accesslog.proof.vouched import read_vouched
from sa_privacy.accesslog.questions.journal import Journal
from sa_privacy.accesslog.reviews import event_id, open_reviews
from sa_privacy.accesslog.trouble import unavailable
from sa_privacy.errors import LogChanged
from sa_privacy.policy.periods import Period

__all__ = ["Kept", "Shipped", "Unreviewed", "keep_log"]

Shipped = Callable[[str], bool]
"""``shipped(segment)``: whether all events of a segment have arrived elsewhere, as ``Shipper.shipped`` says."""
Unreviewed = Callable[[str, int], bool]
"""``unreviewed(writer, seq)``: whether a break-glass event still waits for its review."""

_BLOCK = 1024 * 1024
_CLOSED = b'{"kind":"closed",'
_LONGEST_CLOSED = 1024


@dataclass(slots=True)
class Kept:
    """What was done, or would be, where nothing was to be done really.

    :ivar compressed: names of segments, without ``.gz``.
    :ivar removed: segments that were let go.
    :ivar left: segments that are old enough to go and could not, and why.
    :ivar freed: bytes on the disk.
    """

    compressed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    freed: int = 0


def keep_log(
    directory: str | os.PathLike[str],
    *,
    compress_after: Period | None = None,
    keep: Period | None = None,
    checkpoints: Checkpoints | None = None,
    shipped: Shipped | None = None,
    unreviewed: Unreviewed | None = None,
    now: datetime | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Kept:
    """Compress segments that nobody writes any more, and let go of those that are past their time.

    May be killed at any moment and run again, while the log is written and read. A segment is let go only when it holds, with
    all of its writer's before it, and after a signed checkpoint has kept its first and last hash: so the rest still verifies.

    :param compress_after: how long after its last event a segment is compressed; None: never.
    :param keep: how long events are kept; None: for ever.
    :param checkpoints: makes the checkpoint; without it nothing is let go.
    :param shipped: where given, nothing is let go that has not arrived.
    :param unreviewed: nothing is let go that holds a break-glass event it is true of. By default those that wait in the log
        itself. A review is not let go before what it closes.
    :param now: the time to count from, aware.
    :param dry_run: change nothing, and say what would be done. What would be compressed and what let go is told apart by age alone.
    :param progress: told how many segments are done, and how many there are.
    :raises LogChanged: a segment does not hold. Nothing is let go.
    :raises LogUnavailable: something cannot be read or written.
    """
    root = Path(directory).absolute()
    work = _Keeping(root, checkpoints, shipped, unreviewed, dry_run)
    time = now or datetime.now(UTC)
    try:
        if keep is not None:
            work.let_go(keep.before(time), progress)
        if compress_after is not None:
            work.compress(compress_after.before(time), progress)
    except OSError as error:
        raise unavailable(f"The access log in {root} cannot be kept by its schedule", error) from error
    return work.kept


class _Keeping:
    def __init__(
        self,
        root: Path,
        checkpoints: Checkpoints | None,
        shipped: Shipped | None,
        unreviewed: Unreviewed | None,
        dry_run: bool,
    ) -> None:
        self.root = root
        self.checkpoints = checkpoints
        self.shipped = shipped
        self.unreviewed = unreviewed
        self.dry_run = dry_run
        self.kept = Kept()
        self._open: frozenset[str] | None = None

    # -- compressing -----------------------------------------------------------------------------------------------

    def compress(self, before: datetime, progress: Callable[[int, int], None] | None) -> None:
        names = [name for name in segment_names(self.root) if SEGMENT_NAME.fullmatch(name)]
        for done, name in enumerate(names, 1):
            if name not in self.kept.removed:
                with suppress(FileNotFoundError):  # another keeper may have done it just now
                    self._compress(self.root / name, before)
            if progress is not None:
                progress(done, len(names))

    def _compress(self, path: Path, before: datetime) -> None:
        found = path.stat()
        if found.st_mtime >= before.timestamp() or not self._is_finished(path):
            return
        if not self.dry_run:
            if not compress_segment(path):
                return
            self.kept.freed += found.st_size - path.with_name(path.name + COMPRESSED).stat().st_size
        self.kept.compressed.append(path.name)

    def _is_finished(self, path: Path) -> bool:
        """Whether nobody will write to a segment: it says so itself, or nobody has it open and something stands in it."""
        with open_regular(path) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LONGEST_CLOSED))
            end = file.read()
        begin = end.rfind(b"\n", 0, -1) + 1
        return (end.endswith(b"\n") and end.startswith(_CLOSED, begin)) or (size > 0 and is_free(path))

    # -- letting go ------------------------------------------------------------------------------------------------

    def let_go(self, before: datetime, progress: Callable[[int, int], None] | None) -> None:
        writers: dict[str, list[str]] = {}
        for standing in take_snapshot(self.root):
            if writer_of(standing.segment):
                writers.setdefault(writer_of(standing.segment), []).append(standing.name)
        limit = moment(int(before.timestamp()) * 10**9)
        opened = limit.replace("-", "").replace(":", "")
        old = {writer: names for writer, names in writers.items() if names[0] < opened}
        if not old:
            return
        if self.checkpoints is not None and not self.dry_run:
            self.checkpoints.write()  # so that all that is let go has been vouched for
        going: dict[str, list[tuple[str, Segment]]] = {}
        for done, (writer, names) in enumerate(old.items(), 1):
            going[writer] = list(self._past(names, limit))
            if progress is not None:
                progress(done, len(old))
        self._keep_reviews(going)
        removed: list[Removed] = []
        paths: list[Path] = []
        for writer, segments in going.items():
            names = old[writer]
            removed += [_record(one) for _, one in segments]
            paths += [self.root / name for name, _ in segments]
            if paths and paths[-1].name == names[-1 if not self._is_empty(names[-1]) else -2 if len(names) > 1 else -1]:
                paths += [self.root / name for name in names if self._is_empty(name)]
        self.kept.removed += [one.segment for one in removed]
        if self.dry_run or not removed or self.checkpoints is None:
            return
        with self.checkpoints.letting_go(removed):
            for path in paths:  # the oldest of a writer first: what is left follows from what was let go
                for form in (path, path.with_name(path.name + COMPRESSED)):
                    with suppress(FileNotFoundError):
                        size = form.stat().st_size
                        form.unlink()
                        self.kept.freed += size
                flush_directory(self.root)

    def _past(self, names: list[str], limit: str) -> Iterator[tuple[str, Segment]]:
        """The segments of a writer that may go, from its first on."""
        before: Segment | None = None
        for name in names:
            # Asked before it is read: what is added between the two belongs to it.
            finished = name.endswith(COMPRESSED) or is_free(self.root / name)
            one = examine(self.root, name)
            problem = one.problem
            if problem is None and one.first < 0:
                continue
            problem = problem or self._broken(before, one)
            if problem is not None:
                raise LogChanged(
                    f"The access log in {self.root} does not hold, and nothing was let go: {problem}.",
                    hint="keep the directory as it is, run: sa-privacy log verify, and find out who changed it.",
                )
            before = one
            if one.at >= limit:
                return
            why = self._why_not(name, one, finished or one.closed)
            if why is not None:
                self.kept.left[one.name] = why
                return
            yield name, one

    def _broken(self, before: Segment | None, one: Segment) -> Problem | None:
        """What is missing before a segment: what was let go would vouch for its absence."""
        if join(before, one, starts(())) is None:
            return None
        keys = None if self.checkpoints is None else {key.id: key for key in self.checkpoints.keys}
        vouched = read_vouched(self.root, keys, names=frozenset((one.name,)))
        return join(before, one, starts(vouched.removed.get(writer_of(one.name), ())))

    def _why_not(self, name: str, one: Segment, finished: bool) -> str | None:
        writer = writer_of(one.name)
        path = self.root / name
        if self.checkpoints is None:
            return "no signing key was given, and without a checkpoint the rest would not verify"
        if not finished:
            return "a process has it in use, or may have"
        if one.next is not None and self._in_use(one.next):
            return "its writer goes on in a segment that has no line yet"
        if self.shipped is not None and not self.shipped(one.name):
            return "it has not been shipped yet"
        if self._waits(path, writer):
            return "it holds a break-glass event that nobody has reviewed"
        return None

    def _in_use(self, name: str) -> bool:
        """Whether somebody has yet to write the first line of a segment."""
        return not is_free(self.root / name) and self._has_no_line(name)

    def _has_no_line(self, name: str) -> bool:
        try:
            with open_segment(self.root / name) as file:
                return not next(read_lines(file), b"").endswith(b"\n")
        except FileNotFoundError:
            return False

    def _is_empty(self, name: str) -> bool:
        try:
            return (self.root / name).stat().st_size == 0
        except FileNotFoundError:
            return False

    def _waits(self, path: Path, writer: str) -> bool:
        """Whether there is a break-glass event in a segment that waits for its review."""
        for line in _of_kinds(path, b"break_glass"):
            seq = decode_event(line).seq
            if self.unreviewed is not None:
                waits = self.unreviewed(writer, seq)
            else:
                if self._open is None:
                    self._open = frozenset(one.id for one in open_reviews(Journal(self.root)))
                waits = f"{writer}:{seq}" in self._open
            if waits:
                return True
        return False

    def _keep_reviews(self, going: dict[str, list[tuple[str, Segment]]]) -> None:
        """Take back what holds a review of a break-glass event that stays: without its review it would wait again."""
        reviews = {
            one.name: {decode_event(line).of for line in _of_kinds(self.root / name, b"review")}
            for segments in going.values()
            for name, one in segments
        }
        if not any(reviews.values()):
            return
        entered: dict[str | None, str] = {}
        for name in segment_names(self.root):
            for line in _of_kinds(self.root / name, b"break_glass"):
                entered[event_id(decode_event(line))] = name.removesuffix(COMPRESSED)
        again = True
        while again:  # what stays may itself hold what others closed
            again = False
            leaving = {one.name for segments in going.values() for _, one in segments}
            for segments in going.values():
                for place, (_, one) in enumerate(segments):
                    if any(of in entered and entered[of] not in leaving for of in reviews[one.name]):
                        self.kept.left[one.name] = "it holds the review of a break-glass event that is kept"
                        del segments[place:]
                        again = True
                        break


def _record(one: Segment) -> Removed:
    return Removed(
        segment=one.name, writer=writer_of(one.name), first=one.first, last=one.seq - 1, prev=one.follows, hash=one.hash
    )


def _of_kinds(path: Path, *kinds: bytes) -> Iterator[bytes]:
    begin = tuple(b'{"kind":"' + kind + b'"' for kind in kinds)
    with open_segment(path) as file:
        for line in read_lines(file):
            if line.startswith(begin) and line.endswith(b"\n"):
                yield line


def compress_segment(path: Path) -> bool:
    """Compress a finished segment; killed at any step, the segment is there once, in one form or the other, or in both.

    :returns: whether it was done here; False: another keeper is at it.
    :raises OSError: it cannot be done; the segment stays as it is.
    """
    done = path.with_name(path.name + COMPRESSED)
    if not (done.exists() and _same(path, done)):
        part = path.with_name(path.name + COMPRESSED + ".part")
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b") as raw:
            if not hold_alone(raw.fileno()) or not _is_still(raw.fileno(), part):
                return False
            raw.truncate(0)
            with path.open("rb") as file, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                _copy(file, packed)
            raw.flush()
            os.fsync(raw.fileno())
            if not _same(path, part):
                part.unlink()
                raise OSError(None, "what was compressed does not come back the same")
            found = path.stat()
            os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
            part.replace(done)
            flush_directory(path.parent)
    path.unlink()
    flush_directory(path.parent)
    return True


def _is_still(fd: int, path: Path) -> bool:
    """Whether an open file is the one of that name: the keeper before may have moved it away."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


def _copy(file: BinaryIO, packed: gzip.GzipFile) -> None:
    while block := file.read(_BLOCK):
        packed.write(block)


def _same(path: Path, packed: Path) -> bool:
    """Whether a compressed file holds the bytes of the other one."""
    try:
        with path.open("rb") as file, gzip.open(packed, "rb") as other:
            while True:
                block = file.read(_BLOCK)
                if block != other.read(len(block) or 1):
                    return False
                if not block:
                    return True
    except (EOFError, gzip.BadGzipFile):
        return False
