"""Making checkpoints: prove what is new, sign how far every writer is, copy it to a second place."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from sa_privacy.accesslog.journal.reading import COMPRESSED, segment_exists
from sa_privacy.accesslog.proof.chain import Bad, Problem, Segment, writer_of
from sa_privacy.accesslog.proof.checkpoint import Checkpoint, Head, Removed, read_checkpoint, sign_checkpoint
from sa_privacy.accesslog.proof.linking import link, starts
from sa_privacy.accesslog.proof.places import CheckpointFiles, Line, Place, locked, place_of
from sa_privacy.accesslog.proof.segments import examine
from sa_privacy.accesslog.proof.snapshot import Standing, take_snapshot
from sa_privacy.accesslog.proof.verify import NO_CHECKPOINT, verify_directory
from sa_privacy.accesslog.proof.vouched import Vouched, read_vouched
from sa_privacy.accesslog.trouble import unavailable
from sa_privacy.crypto import SigningKey, VerifyingKey
from sa_privacy.errors import LogChanged, LogUnavailable, PrivacyError

__all__ = ["Checkpoints", "Repeating"]

_logger = logging.getLogger("sa_privacy")


class Checkpoints:
    """Makes the checkpoints of a log. Safe to share between threads, and with other processes that do the same.

    :param directory: the log's.
    :param key: signs.
    :param second: where each checkpoint is copied to: a directory, a database URL, or any :class:`Place`. Whoever may
        write to the log should not be able to write there.
    :param trusted: public halves of keys that signed before this one.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        key: SigningKey,
        second: Place | str | os.PathLike[str] | None = None,
        *,
        trusted: Iterable[VerifyingKey] = (),
    ) -> None:
        self.directory = Path(directory).absolute()
        self.second = place_of(second)
        self._key = key
        self._keys = {one.id: one for one in (key.public, *trusted)}
        self._files = CheckpointFiles(self.directory)
        self._lock = threading.RLock()
        self._state = Vouched()
        self._seen: tuple[str, int] | None = None
        self._last = Line("", 0, b"")
        self._copied = -1

    @property
    def keys(self) -> tuple[VerifyingKey, ...]:
        """Who may have signed the checkpoints."""
        return tuple(self._keys.values())

    def write(self) -> Checkpoint | None:
        """Make a checkpoint of what is new; None if nothing is.

        Every line since the last one is held against the chain before anything is signed. When this returns, the checkpoint
        is on the disk, and the second place has all there are.

        :raises LogChanged: the log does not hold, or the second place knows of more than there is here. Nothing is signed.
        :raises LogUnavailable: something cannot be read or written. Where only the second place cannot be reached, the
            checkpoint stands in the log and the error says so; the next one catches up.
        """
        with self._lock:
            there = self._there()
            try:
                with locked(self.directory):
                    made = self._write(there, ())
            except OSError as error:
                raise unavailable(f"A checkpoint of {self.directory} cannot be made", error) from error
            self._copy(there)
            return made

    @contextmanager
    def letting_go(self, removed: Sequence[Removed]) -> Iterator[None]:
        """Make a checkpoint that says which segments are let go. They are unlinked in the block, and nowhere else.

        Nobody makes another one until the block is left: it would vouch again for what is still there, and going.

        :raises LogChanged, LogUnavailable: as :meth:`write`. The block is not entered.
        :raises OSError: something cannot be read or written.
        """
        with self._lock, locked(self.directory):
            there = self._there()
            self._write(there, removed)
            self._copy(there)
            yield

    def every(self, seconds: float) -> Repeating:
        """Make one now and then, in a thread of its own, until the block is left or ``stop()`` is called.

        :param seconds: between two.
        """
        return Repeating(self, seconds)

    # -- the two places --------------------------------------------------------------------------------------------

    def _there(self) -> Line | LogUnavailable | None:
        """The last checkpoint of the second place, or why that cannot be told."""
        try:
            return self.second.last() if self.second is not None else None
        except LogUnavailable as error:
            return error

    def _write(self, there: Line | LogUnavailable | None, removed: Sequence[Removed]) -> Checkpoint | None:
        """Make one, under the lock."""
        state = self._load()
        if isinstance(there, Line):
            self._compare(there)
        return self._make(state, removed)

    def _copy(self, there: Line | LogUnavailable | None) -> None:
        """Bring the second place up to what stands in the log."""
        if self.second is None:
            return
        try:
            if isinstance(there, LogUnavailable):
                raise there
            if self._copied < self._state.number:
                known = 0 if there is None else _number(there)
                one = known == self._state.number - 1  # as a rule; then the files need not be read
                self.second.add((self._last,) if one else self._files.lines(known))
                self._copied = self._state.number
        except LogUnavailable as error:
            raise LogUnavailable(
                f"Checkpoint {self._state.number} stands in the log, but the second place has not got it: "
                f"{error.message}",
                hint="bring the second place back; the next checkpoint copies all that it lacks.",
            ) from error

    # -- what is known ---------------------------------------------------------------------------------------------

    def _load(self) -> Vouched:
        """The state after the last checkpoint: remembered, unless somebody else has added one."""
        names = self._files.names()
        last = names[-1] if names else None
        size = (self.directory / last).stat().st_size if last is not None else 0
        seen = None if last is None else (last, size)
        if seen == self._seen:
            return self._state
        state, number = Vouched(), self._state.number
        at: Line | None = None
        try:
            for place in range(len(names) - 1, -1, -1):
                state = Vouched()
                for at in self._files.read(names[place]):
                    known = (state.number + 1, state.hash) if state.number else (None, None)
                    found, digest = read_checkpoint(at.text, number=known[0], prev=known[1], keys=None)
                    _must_begin(found, at)
                    state.take(found, digest)
                if state.number:
                    break
            if at is not None:  # its signature vouches for all before, through the chain
                read_checkpoint(at.text, number=None, prev=None, keys=self._keys)
        except Bad as bad:
            raise self._refusal(Problem(at.file, at.line, state.number + 1, str(bad)) if at else None) from None
        if state.number < number:
            what = f"cut: checkpoint {number} was written here, and is gone"
            raise self._refusal(Problem(names[-1] if names else "checkpoints", 1, state.number + 1, what))
        self._state, self._seen, self._last = state, seen, at or self._last
        return state

    def _compare(self, there: Line) -> None:
        """Refuse to go on where the second place has what is not here."""
        if there.text == self._last.text:
            return
        number = _number(there)
        if number > self._state.number:
            what = "cut: checkpoints are missing from here on; the second place has them"
            raise self._refusal(Problem(there.file, 1, self._state.number + 1, what))
        for line in self._files.lines(number - 1):
            if line.text == there.text:
                return
            if _number(line) >= number:
                break
        what = "the second place has another checkpoint of this number: the log was rolled back and went on"
        raise self._refusal(Problem(there.file, 1, number, what))

    # -- what is new -----------------------------------------------------------------------------------------------

    def _make(self, state: Vouched, removing: Sequence[Removed]) -> Checkpoint | None:
        heads = self._new_heads(state)
        if not heads and not removing:
            return None
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        checkpoint = Checkpoint(
            number=state.number + 1,
            at=max(now, state.at),  # a clock set back must not change the order
            prev=state.hash,
            full=False,
            heads=tuple(sorted(heads, key=lambda head: head.writer)),
            removed=tuple(removing),
            key=self._key.id,
        )
        if self._seen is None or self._seen[0] != checkpoint.file:
            everyone = state.heads | {head.writer: head for head in heads}
            checkpoint = msgspec.structs.replace(
                checkpoint, full=True, heads=tuple(everyone[writer] for writer in sorted(everyone))
            )
        text = sign_checkpoint(checkpoint, self._key)
        checkpoint, digest = read_checkpoint(text, number=state.number + 1, prev=state.hash, keys=self._keys)
        self._seen = ("", 0)  # whatever happens now, look again
        self._last = Line(checkpoint.file, 0, text)
        self._files.append(self._last)
        state.take(checkpoint, digest)
        self._seen = (checkpoint.file, (self.directory / checkpoint.file).stat().st_size)
        return checkpoint

    def _new_heads(self, state: Vouched) -> list[Head]:
        """How far each writer is that has written since; all its new lines hold."""
        writers: dict[str, list[Standing]] = {}
        for one in take_snapshot(self.directory):
            writers.setdefault(writer_of(one.segment), []).append(one)
        heads = []
        for writer in state.heads.keys() - writers.keys():
            head = state.heads[writer]
            raise self._refusal(Problem(head.segment, 1, 0, "removed: a checkpoint vouches for it"))
        for writer, standing in writers.items():
            new = self._new_head(writer, standing, state)
            if new is not None:
                heads.append(new)
        return heads

    def _new_head(self, writer: str, standing: list[Standing], state: Vouched) -> Head | None:
        known = state.heads.get(writer)
        begins = starts(())
        segments: list[Segment] = []
        if known is not None:
            begins = frozenset(((known.seq + 1, known.hash),))
            plain = [one.segment for one in standing]
            if known.segment not in plain:
                raise self._refusal(Problem(known.segment, 1, 0, "removed: a checkpoint vouches for it"))
            place = plain.index(known.segment)
            segments.append(self._resumed(standing[place], known))
            standing = standing[place + 1 :]
        segments += [examine(self.directory, one.name, upto=one.upto) for one in standing]
        if known is None:
            whole = next((one.first for one in segments if one.first >= 0), 0) == 0
            begins = starts(() if whole else self._ever_removed(writer, standing))
        problems = link(segments, begins, lambda name: segment_exists(self.directory, name))
        if problems:
            raise self._refusal(problems[0])
        last = next((one for one in reversed(segments) if one.first >= 0), None)
        if last is None or (known is not None and last.seq == known.seq + 1):
            return None
        head = Head(writer=writer, segment=last.name, bytes=last.bytes, seq=last.seq - 1, hash=last.hash)
        return msgspec.structs.replace(head, next=last.next) if last.closed else head

    def _resumed(self, standing: Standing, head: Head) -> Segment:
        """The segment of a head, with what came after it."""
        ended = head.next is not msgspec.UNSET
        length = self._length(standing)
        if ended and length != head.bytes:
            raise self._refusal(Problem(head.segment, 1, head.seq + 1, "changed: it was closed before"))
        if length != head.bytes:
            return examine(self.directory, standing.name, after=head.mark, upto=standing.upto)
        return Segment(
            name=head.segment,
            first=head.seq + 1,
            follows=head.hash,
            seq=head.seq + 1,
            hash=head.hash,
            bytes=head.bytes,
            at="",
            closed=ended,
            next=head.next if isinstance(head.next, str) else None,
            torn=0,
            failed=-1,
            gone=False,
            problem=None,
        )

    def _ever_removed(self, writer: str, standing: list[Standing]) -> list[Removed]:
        """What was let go of a writer that no head is known of: its removal was interrupted."""
        names = frozenset(one.segment for one in standing)
        return read_vouched(self.directory, self._keys, names=names).removed.get(writer, [])

    def _length(self, standing: Standing) -> int:
        """The bytes of a segment before it was compressed; gzip notes them at its end (RFC 1952), modulo 2^32."""
        if standing.upto is not None:
            return standing.upto
        with (self.directory / (standing.segment + COMPRESSED)).open("rb") as file:
            file.seek(-4, os.SEEK_END)
            return int.from_bytes(file.read(4), "little")

    def _refusal(self, suspicion: Problem | None) -> LogChanged:
        """The error that names the first bad event: the whole log is proved for it, the second place too."""
        second = self.second
        try:
            found = verify_directory(self.directory, key=self.keys, second=second).problems
        except PrivacyError:
            found = ()
        first = next((one for one in found if one.what != NO_CHECKPOINT), suspicion)
        return LogChanged(
            f"The access log in {self.directory} does not hold, and no checkpoint was made: {first}.",
            hint="keep the directory as it is, run: sa-privacy log verify, and find out who changed it.",
        )


def _must_begin(found: Checkpoint, line: Line) -> None:
    if (line.line == 1) is not found.full:
        raise Bad("a file begins with a full checkpoint, and has no other")


def _number(line: Line) -> int:
    try:
        return read_checkpoint(line.text, number=None, prev=None, keys=None)[0].number
    except Bad:
        return 0


class Repeating:
    """A thread that makes checkpoints, from its making on. A context manager: leaving it makes a last one.

    :ivar failure: why the last attempt did not succeed; None if it did. Each new one is a warning of the logger ``sa_privacy``.
    """

    def __init__(self, checkpoints: Checkpoints, seconds: float) -> None:
        if not seconds > 0:
            raise ValueError("seconds is greater than 0")
        self.failure: PrivacyError | None = None
        self._checkpoints = checkpoints
        self._seconds = seconds
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sa_privacy checkpoints", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            last = self._end.is_set()
            try:
                self._checkpoints.write()
            except PrivacyError as error:
                if self.failure is None or self.failure.message != error.message:
                    _logger.warning("%s", error)
                self.failure = error
            else:
                self.failure = None
            if last:
                return
            self._end.wait(self._seconds)

    def stop(self) -> None:
        """Make a last checkpoint and end the thread."""
        self._end.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
