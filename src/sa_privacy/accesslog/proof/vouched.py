"""What the checkpoints of a log vouch for, all told: replayed, proved, and held against the second place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sa_privacy.accesslog.proof.chain import Bad, Problem
from sa_privacy.accesslog.proof.checkpoint import FIRST, Checkpoint, Head, Removed, read_checkpoint
from sa_privacy.accesslog.proof.places import CheckpointFiles, Line, Place
from sa_privacy.crypto import VerifyingKey

__all__ = ["Vouched", "read_copied", "read_vouched", "walk"]


@dataclass(slots=True)
class Vouched:
    """The state after the last checkpoint.

    :ivar heads: the last head of each writer of which something is left, by writer.
    :ivar removed: the segments that were let go, of writers of which something is left, and of the names asked for.
    :ivar hash: what the next checkpoint follows from.
    :ivar problems: the first thing that is wrong with the checkpoints, in each place.
    :ivar behind: how many checkpoints the second place has not got yet; None: none was asked.
    """

    heads: dict[str, Head] = field(default_factory=dict)
    removed: dict[str, list[Removed]] = field(default_factory=dict)
    number: int = 0
    at: str = ""
    hash: str = FIRST
    problems: list[Problem] = field(default_factory=list)
    behind: int | None = None

    def take(self, checkpoint: Checkpoint, digest: str, *, names: frozenset[str] = frozenset()) -> bool:
        """Go on by one checkpoint. False: it contradicts those before."""
        heads = self.heads
        for head in checkpoint.heads:
            heads[head.writer] = head
        for removed in checkpoint.removed:
            self.removed.setdefault(removed.writer, []).append(removed)
            live = heads.get(removed.writer)
            if live is not None and live.segment == removed.segment:
                del heads[removed.writer]
                kept = [one for one in self.removed.pop(removed.writer) if one.segment in names]
                if kept:
                    self.removed[removed.writer] = kept
        agrees = not checkpoint.full or self.number == 0 or len(checkpoint.heads) >= len(heads)
        self.number, self.at, self.hash = checkpoint.number, checkpoint.at, digest
        return agrees


def read_vouched(
    root: Path,
    keys: Mapping[str, VerifyingKey] | None,
    second: Place | None = None,
    *,
    names: frozenset[str] = frozenset(),
) -> Vouched:
    """Replay all checkpoints of a log, and those of the second place beside them.

    :param names: segments that are there: what is known of them is kept though their writer is gone.
    :raises LogUnavailable: a place cannot be read.
    """
    state = Vouched()
    # The second place first: a checkpoint stands in the log before it is copied.
    there = _ahead_of(second.lines()) if second is not None else iter(())
    for line, checkpoint, digest in walk(root, there, keys, state, copied=second is not None):
        if not state.take(checkpoint, digest, names=names):
            state.problems.append(Problem(line.file, line.line, checkpoint.number, "it leaves out a writer"))
    return state


def read_copied(second: Place, keys: Mapping[str, VerifyingKey] | None) -> Vouched:
    """Replay the checkpoints of a second place alone, for who has not got the log's directory.

    :raises LogUnavailable: the place cannot be read.
    """
    state = Vouched()
    for line in second.lines():
        try:
            found, digest = _in_its_file(line, state.number + 1, state.hash, keys)
        except Bad as bad:
            state.problems.append(Problem(line.file, line.line, state.number + 1, f"in the second place: {bad}"))
            break
        if not state.take(found, digest):
            state.problems.append(Problem(line.file, line.line, found.number, "it leaves out a writer"))
    return state


def walk(
    root: Path,
    there: Iterator[Line],
    keys: Mapping[str, VerifyingKey] | None,
    state: Vouched,
    *,
    copied: bool,
) -> Iterator[tuple[Line, Checkpoint, str]]:
    """Each checkpoint that is good, from the log's own place, or else from the second one.

    What is wrong is added to the state's problems. A place in which something is wrong is not read on.
    """
    here = CheckpointFiles(root).lines()
    mine, theirs, behind = next(here, None), next(there, None), 0
    number, prev, file = 1, FIRST, ""
    while mine is not None or theirs is not None:
        good: tuple[Line, Checkpoint, str] | None = None
        if mine is None and theirs is not None and not state.problems:
            what = "cut: checkpoints are missing from here on; the second place has them"
            state.problems.append(Problem(file or theirs.file, _missing_line(file, theirs, root), number, what))
        if mine is not None:
            try:
                found, digest = _in_its_file(mine, number, prev, keys)
                good, file = (mine, found, digest), mine.file
            except Bad as bad:
                state.problems.append(Problem(mine.file, mine.line, number, str(bad)))
                mine = None
                here = iter(())
        if theirs is None:
            behind += good is not None
        elif good is None or theirs.text != good[0].text:
            try:
                other, digest = read_checkpoint(theirs.text, number=number, prev=prev, keys=keys)
            except Bad as bad:
                state.problems.append(Problem(theirs.file, theirs.line, number, f"in the second place: {bad}"))
                theirs = None
                there = iter(())
            else:
                if good is not None:
                    what = "the second place has another checkpoint of this number: the log was rolled back and went on"
                    state.problems.append(Problem(good[0].file, good[0].line, number, what))
                    mine = None
                    here = iter(())
                good = (theirs, other, digest)
        if good is None:
            return
        yield good
        prev = good[2]
        number += 1
        mine, theirs = next(here, None), next(there, None)
    if copied:
        state.behind = behind


def _in_its_file(line: Line, number: int, prev: str, keys: Mapping[str, VerifyingKey] | None) -> tuple[Checkpoint, str]:
    found, digest = read_checkpoint(line.text, number=number, prev=prev, keys=keys)
    if found.file != line.file:
        raise Bad("it does not belong into this file")
    if (line.line == 1) is not found.full:
        raise Bad("a file begins with a full checkpoint, and has no other")
    return found, digest


def _missing_line(file: str, theirs: Line, root: Path) -> int:
    """The line of the log's own file at which a checkpoint of the second place is missing."""
    if file != theirs.file:
        return 1
    return sum(1 for _ in CheckpointFiles(root).read(file)) + 1


def _ahead_of(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines, with the first one fetched: so what is there is settled now."""
    first = next(lines, None)
    if first is not None:
        yield first
        yield from lines
