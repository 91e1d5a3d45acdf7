"""Proving a log: every line hashed again, held against the line before it, and against what checkpoints vouch for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sa_privacy.accesslog.journal.reading import segment_exists
from sa_privacy.accesslog.proof.chain import Mark, Problem, Segment, writer_of
from sa_privacy.accesslog.proof.linking import link, starts, unreached
from sa_privacy.accesslog.proof.pieces import examine_all
from sa_privacy.accesslog.proof.places import CheckpointFiles, Place, place_of
from sa_privacy.accesslog.proof.resuming import Held, identity
from sa_privacy.accesslog.proof.segments import examine
from sa_privacy.accesslog.proof.snapshot import Standing, take_snapshot
from sa_privacy.accesslog.proof.vouched import Vouched, read_vouched, walk
from sa_privacy.crypto import VerifyingKey
from sa_privacy.errors import LogUnavailable
from sa_privacy.executors import Processes

__all__ = ["NO_CHECKPOINT", "Covered", "Problem", "Progress", "Verification", "verify_directory"]

Progress = Callable[[int, int], None]
"""Told how many bytes of segments are done, and how many there are."""

_WORTH_PROCESSES = 64 * 1024 * 1024
_NO_CHECKPOINTS = (
    "there are no checkpoints: the cut end of a segment that was not closed, a writer that is gone altogether, and lines "
    "that were chained anew are not found."
)
NO_CHECKPOINT = "there is no checkpoint, though a key for them was given: were they removed?"


class Covered(NamedTuple):
    """What the checkpoints cover.

    :ivar number: of the last checkpoint, made at ``at``.
    :ivar signed: the signatures were checked.
    :ivar after: events that were written since, which only the chain holds together.
    :ivar behind: checkpoints that the second place has not got yet; None: none was asked.
    """

    number: int
    at: datetime
    signed: bool
    after: int
    behind: int | None


class Verification(NamedTuple):
    """What verifying a log found.

    :ivar events: the lines that hold, opening and closing lines included; those after a segment's problem do not count.
    :ivar segments: the segment files looked at.
    :ivar problems: the first problem of each segment that has one, and what is missing; those of the checkpoints first.
    :ivar torn: last lines without a line break: a writer died, or is writing just now. No sign of tampering by itself.
    :ivar unclosed: segments without a closing line: in use, killed, or cut at the end.
    :ivar covered: what the checkpoints cover; None: there are none.
    :ivar unshown: in words, what this verification could not have found.
    """

    events: int
    segments: int
    problems: tuple[Problem, ...]
    torn: tuple[Problem, ...]
    unclosed: tuple[str, ...]
    covered: Covered | None = None
    unshown: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing was changed, added, removed or moved, as far as can be told; see ``unshown``."""
        return not self.problems

    def __str__(self) -> str:
        verdict = "the chain holds" if self.ok else f"it does not hold, in {len(self.problems)} place(s)"
        lines = [f"{self.events} events in {self.segments} segments: {verdict}"]
        lines += [f"  {problem}" for problem in self.problems]
        lines += [f"  {torn}" for torn in self.torn]
        if self.covered is not None:
            lines.append(f"  last checkpoint: {self.covered.number}, {self.covered.at.isoformat()}")
        lines += [f"  not shown: {one}" for one in self.unshown]
        return "\n".join(lines)


def verify_directory(
    directory: str | os.PathLike[str],
    *,
    key: VerifyingKey | Iterable[VerifyingKey] | None = None,
    second: Place | str | os.PathLike[str] | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Check the log in a directory; needs no right to write, and memory for one line and one head of each writer.

    A log may be written, rolled over, checkpointed, compressed and cleared while it is checked.

    :param key: who may have signed its checkpoints: one public key, or all there were. Without it, signatures are not checked.
    :param second: where the checkpoints are copied to: a directory, a database URL, or any :class:`Place`.
    :param workers: processes, for a log of more than 64 MiB. With more than 1 they are started anew (spawn), so the program's
        main module has to be importable.
    :param executor: does the work instead, whatever it is: its workers see the directory under the same path, and this takes
        their word. What a worker had that died is done by another.
    :param resume: a file, outside of the log's directory, that notes which segments hold. If this is interrupted, it stays, and
        the next verification does not read these again where their files are as they were; see ``unshown``.
    :param progress: called after each segment.
    :raises LogUnavailable: the directory or the second place cannot be read, or a worker does not see it.
    """
    root = Path(directory)
    keys = None if key is None else {one.id: one for one in ((key,) if isinstance(key, VerifyingKey) else key)}
    place = place_of(second)
    if isinstance(place, CheckpointFiles) and not place.directory.is_dir():
        raise LogUnavailable(
            f"There is no second place {place.directory}.", hint="name the directory that checkpoints are copied to."
        )
    with ExitStack() as stack:
        held = None if resume is None else stack.enter_context(Held(Path(resume), root))
        return _Verifying(root, keys, place, workers, executor, held, progress).run()


class _Verifying:
    def __init__(
        self,
        root: Path,
        keys: Mapping[str, VerifyingKey] | None,
        second: Place | None,
        workers: int,
        executor: Executor | None,
        held: Held | None,
        progress: Progress | None,
    ) -> None:
        self.root = root
        self.keys = keys
        self.second = second
        self.workers = workers
        self.executor = executor
        self.held = held
        self.progress = progress
        self.resumed = 0

    def run(self) -> Verification:
        """What is read is what was there when the segments were measured; what is missing of it may have been let go since.

        The checkpoints are read before, so that all they vouch for is there, and after, so that they tell what was let go.
        """
        vouched = self._vouched()
        standing = take_snapshot(self.root)
        segments = self._examined(standing, vouched)
        absent = self._absent(segments)
        problems, after = self._judge(segments, vouched, absent), _uncovered(segments, vouched)
        events = sum(one.lines for one in segments)
        none = self.keys is not None and not vouched.number and not vouched.problems and events > 0
        if problems or none:
            names = {name for one in segments for name in (one.name, one.next) if name}
            names |= {head.segment for head in vouched.heads.values()}
            now = self._vouched(frozenset(names))
            vouched = _let_go(vouched, now)
            problems = self._judge(segments, vouched, absent)
            none = none and not now.number
        if none:
            problems.insert(0, Problem("checkpoints", 1, 1, NO_CHECKPOINT))
        torn = [_torn(one) for one in segments if one.problem is None and not one.gone and (one.torn or one.first < 0)]
        unclosed = [one.name for one in segments if one.problem is None and not one.gone and not one.closed]
        return Verification(
            events,
            len(standing),
            (*vouched.problems, *problems),
            tuple(torn),
            tuple(unclosed),
            self._covered(vouched, after),
            self._unshown(vouched, after),
        )

    def _vouched(self, names: frozenset[str] = frozenset()) -> Vouched:
        return read_vouched(self.root, self.keys, self.second, names=names)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _examined(self, standing: list[Standing], vouched: Vouched) -> list[Segment]:
        marks: dict[str, tuple[Mark, ...]] = {head.segment: (head.mark,) for head in vouched.heads.values()}
        sizes = [one.size or 0 for one in standing]
        found: dict[int, Segment] = {}
        files: dict[int, tuple[int, int, int, int] | None] = {}
        for place, one in enumerate(standing if self.held is not None else ()):
            if self.held is not None and (known := self.held.known(one, marks.get(one.segment, ()))) is not None:
                found[place] = known
            files[place] = identity(self.root, one)
        self.resumed = sum(sizes[place] for place in found)
        done, total = self.resumed, sum(sizes)
        unread = [(place, one) for place, one in enumerate(standing) if place not in found]
        with ExitStack() as stack:
            executor = self.executor
            if executor is None and self.workers > 1 and total - done > _WORTH_PROCESSES:
                executor = stack.enter_context(Processes(self.workers))
            for place, segment in examine_all(self.root.absolute(), unread, marks, executor):
                found[place] = segment
                if self.held is not None:
                    self.held.add(files[place], marks.get(segment.name, ()), segment)
                done += sizes[place]
                if self.progress is not None:
                    self.progress(done, total)
        return [found[place] for place in range(len(standing))]

    def _absent(self, segments: list[Segment]) -> frozenset[str]:
        """The segments that are named by the one before and are not there. Asked before it is asked what was let go."""
        read = {one.name for one in segments if not one.gone}
        named = {one.next for one in segments if one.next is not None} - read
        return frozenset(name for name in named if not segment_exists(self.root, name))

    # -- judging ---------------------------------------------------------------------------------------------------

    def _judge(self, segments: list[Segment], vouched: Vouched, absent: frozenset[str]) -> list[Problem]:
        writers: dict[str, list[Segment]] = {}
        problems: list[Problem] = []
        for one in segments:
            recorded = {removed.segment for removed in vouched.removed.get(writer_of(one.name), ())}
            if one.gone and one.name in recorded:
                continue
            if one.gone:
                one = one._replace(problem=Problem(one.name, 1, 0, "removed while the log was verified"))  # noqa: PLW2901
            if writer_of(one.name):
                writers.setdefault(writer_of(one.name), []).append(one)
            elif one.problem is not None:
                problems.append(one.problem)
        for writer in writers.keys() | vouched.heads.keys():
            problems += self._judge_writer(writer, writers.get(writer, []), vouched, absent)
        return sorted(problems)

    def _judge_writer(
        self, writer: str, segments: list[Segment], vouched: Vouched, absent: frozenset[str]
    ) -> list[Problem]:
        removed = vouched.removed.get(writer, ())
        begins = starts(removed)
        missed = absent - {one.segment for one in removed}
        problems = link(segments, begins, lambda name: name not in missed)
        head = vouched.heads.get(writer)
        if head is None:
            return problems
        rewritten = False
        if not problems:
            whole = [one for one in segments if one.first >= 0]
            missing = unreached(whole, head, begins, vouched.number)
            problems += [missing] if missing is not None else []
            rewritten = not problems and not any(one.name == head.segment and one.failed < 0 for one in whole)
        if problems or rewritten:
            narrow = self._first_rewritten(writer, segments, vouched)
            if narrow is not None and (not problems or narrow.seq < problems[0].seq):
                problems = [narrow, *(one for one in problems if one.segment > narrow.segment)]
            elif rewritten:
                what = "changed: it does not have the line that a checkpoint vouches for"
                problems.append(Problem(head.segment, 1, head.seq, what))
        return problems

    def _first_rewritten(self, writer: str, segments: list[Segment], vouched: Vouched) -> Problem | None:
        """Where the first line is that a checkpoint vouched for and that is now another one, as near as can be told."""
        marks: dict[str, list[Mark]] = {}
        there = self.second.lines() if self.second is not None else iter(())
        again = Vouched()
        for _, checkpoint, _ in walk(self.root, there, self.keys, again, copied=False):
            for head in checkpoint.heads:
                if head.writer == writer and (head.segment not in marks or marks[head.segment][-1] != head.mark):
                    marks.setdefault(head.segment, []).append(head.mark)
            if checkpoint.number == vouched.number:
                break
        good = -1
        for one in segments:
            here = marks.get(one.name, [])
            if one.first > good:
                good = one.first - 1
            if not here or one.first < 0:
                continue
            found = examine(self.root, one.name, tuple(here))
            if 0 <= found.failed < len(here) and here[found.failed].seq < found.seq:
                last = here[found.failed].seq
                good = max([good, *(mark.seq for mark in here[: found.failed])])
                which = f"seq {last}" if last == good + 1 else f"seq {good + 1} to {last}"
                what = f"changed, and chained anew: a checkpoint vouches for other lines than {which}"
                return Problem(one.name, max(good + 2 - one.first, 1), good + 1, what)
            if found.problem is not None or found.failed >= 0:
                return None
        return None

    # -- saying ----------------------------------------------------------------------------------------------------

    def _covered(self, vouched: Vouched, after: int) -> Covered | None:
        if not vouched.number:
            return None
        at = datetime.fromisoformat(vouched.at)
        return Covered(vouched.number, at, self.keys is not None, after, vouched.behind)

    def _unshown(self, vouched: Vouched, after: int) -> tuple[str, ...]:
        said = []
        if self.held is not None and self.resumed:
            said.append(
                f"{self.resumed} bytes of segments were read by a run that began at {self.held.since} and was interrupted, and "
                "not again: a change since then that left the files' times is not found, nor one by who may write --resume."
            )
        if not vouched.number:
            return (*said, _NO_CHECKPOINTS)
        if self.keys is None:
            said.append(
                "no key was given: the checkpoints' signatures were not checked, and all of them may be forged."
            )
        if self.second is None:
            said.append("no second place was asked: a log set back together with its checkpoints is not found.")
        if vouched.behind:
            said.append(f"the second place lacks the last {vouched.behind} checkpoint(s); they may be on their way.")
        if after:
            said.append(f"{after} event(s) after the last checkpoint are held together by the chain alone.")
        return tuple(said)


def _torn(one: Segment) -> Problem:
    seq = max(one.seq, 0)
    return Problem(one.name, one.lines + 1, seq, f"torn: {one.torn} bytes of a line that was not finished")


def _uncovered(segments: list[Segment], vouched: Vouched) -> int:
    """How many events no checkpoint covers."""
    covered = {writer: head.seq + 1 for writer, head in vouched.heads.items()}
    return sum(
        max(0, one.seq - max(one.first, covered.get(writer_of(one.name), 0))) for one in segments if one.first >= 0
    )


def _let_go(before: Vouched, now: Vouched) -> Vouched:
    """What was vouched for before, less what was let go since.

    A head counts no more if nothing of its writer is left, or if the writer has gone on since and the head's segment was let go.
    """
    if (
        now.number < before.number or now.problems != before.problems
    ):  # they were changed: nothing is let go on their word
        return replace(before, problems=before.problems or now.problems)
    heads = {}
    for writer, head in before.heads.items():
        new = now.heads.get(writer)
        if new is None:
            continue
        gone = any(one.segment == head.segment for one in now.removed.get(writer, ()))
        if new.segment == head.segment or not gone:
            heads[writer] = head
    return replace(before, heads=heads, removed=now.removed)
