"""The segments of one writer held together: each has to follow from the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sa_privacy.accesslog.journal.segment import START
from sa_privacy.accesslog.proof.chain import Problem, Segment
from sa_privacy.accesslog.proof.checkpoint import Head, Removed

__all__ = ["join", "link", "starts", "unreached"]

_START = (0, START.decode())


def starts(removed: Sequence[Removed]) -> frozenset[tuple[int, str]]:
    """Where the chain of a writer may begin: at its beginning, or where a checkpoint says that segments were let go."""
    if not removed:
        return frozenset((_START,))
    begins = {(one.first, one.prev) for one in removed}
    return frozenset(begins | {(one.last + 1, one.hash) for one in removed})


def link(
    segments: Iterable[Segment], begins: frozenset[tuple[int, str]], exists: Callable[[str], bool]
) -> list[Problem]:
    """What is wrong with a writer's segments, beside and inside: the first problem of each, in order.

    :param segments: in order; those without a line are nobody's business here.
    :param begins: where the first one may begin.
    :param exists: whether a segment is there now: one may have been begun since.
    """
    problems: list[Problem] = []
    before: Segment | None = None
    known = True  # what has to come next
    for one in segments:
        if one.first < 0 and one.problem is None:
            continue
        problem = one.problem
        if problem is not None and problem.line == 1 and known and before is not None:
            problem = problem._replace(seq=before.seq)
        elif problem is None or problem.line > 1:
            problem = (join(before, one, begins) if known else None) or problem
        if problem is not None:
            problems.append(problem)
        known = one.problem is None
        before = one
    if known and before is not None and before.closed and before.next is not None and not exists(before.next):
        problems.append(_missing(before))
    return problems


def join(before: Segment | None, one: Segment, begins: frozenset[tuple[int, str]]) -> Problem | None:
    """What is wrong between a segment and the one before it; None before it: it is the first that is left."""
    if (one.first, one.follows) in begins and (before is None or one.first > 0):
        return None  # after the first: what stands before it is, or was a moment ago, let go
    if before is None:
        due = max((seq for seq, _ in begins if seq <= one.first), default=0)
        what = "removed: the segments before this one are missing, and no checkpoint vouches for that"
        return Problem(one.name, 1, due, what)
    if not before.closed:
        what = "cut: the writer went on, and the closing line that hands over is missing"
        return Problem(before.name, before.lines + 1, before.seq, what)
    if before.next is None:
        return Problem(one.name, 1, before.seq, "added: the writer had ended before")
    if before.next != one.name:
        return _missing(before)
    if (one.first, one.follows) != (before.seq, before.hash):
        return Problem(
            one.name, 1, before.seq, "it does not follow from the segment before: one of the two was replaced"
        )
    return None


def _missing(before: Segment) -> Problem:
    return Problem(
        before.next or before.name, 1, before.seq, "removed: the segment that the one before names is missing"
    )


def unreached(
    segments: Sequence[Segment], head: Head, begins: frozenset[tuple[int, str]], number: int
) -> Problem | None:
    """What is missing of that which a checkpoint vouches for.

    :param segments: the writer's, none of which has a problem; those with lines, in order.
    """
    vouched = f"checkpoint {number} or one before vouches for events up to seq {head.seq}"
    if not segments:
        return Problem(head.segment, 1, max((seq for seq, _ in begins), default=0), f"removed: {vouched}")
    last = segments[-1]
    if last.seq <= head.seq:
        return Problem(last.name, last.lines + 1, last.seq, f"cut: {vouched}")
    return None
