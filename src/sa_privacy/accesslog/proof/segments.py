"""Segments looked at: a whole one, or parts of it by several, which are joined again."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from sa_privacy.accesslog.journal.reading import COMPRESSED, open_segment
from sa_privacy.accesslog.journal.segment import MAX_LINE
from sa_privacy.accesslog.proof.chain import Bad, Chain, Mark, Problem, Segment

__all__ = ["examine", "examine_part", "join_parts"]

_ENDLESS = 1 << 62


def examine(
    root: Path, name: str, marks: tuple[Mark, ...] = (), after: Mark | None = None, upto: int | None = None
) -> Segment:
    """Hold one segment against the chain, in constant memory.

    :param name: the file's name, with or without ``.gz``; the other form is taken if this one is gone.
    :param marks: lines in it that are vouched for, in order.
    :param after: a line up to which the segment was held against the chain before: only what follows is.
    :param upto: how many bytes of it are looked at; None: all that are there when it is opened.
    """

    def run(chain: Chain, file: BinaryIO) -> None:
        compressed = isinstance(file, gzip.GzipFile)  # nobody writes those
        left = _ENDLESS if compressed else os.fstat(file.fileno()).st_size
        left = left if upto is None else min(left, upto)
        if after is not None:
            left -= chain.resume(after, file, left)
        chain.run(file, left, marks)

    return _examined(root, name, run)


def examine_part(root: Path, name: str, marks: tuple[Mark, ...], upto: int, begin: int, end: int) -> Segment:
    """Hold the lines of a segment that begin in a range of its bytes against the chain.

    The first one's word is taken for what is before it: :func:`join_parts` holds that against the part before.

    :param marks: those of the lines that end in the range.
    """

    def run(chain: Chain, file: BinaryIO) -> None:
        here, there = min(_line_at(file, begin), upto), min(_line_at(file, end), upto)
        if begin > 0:
            chain.enter(here)
        file.seek(here)
        chain.run(file, there - here, marks)

    return _examined(root, name, run)


def join_parts(parts: Sequence[Segment]) -> Segment | None:
    """The segment that was examined in these parts; None: something is wrong in one, or between two."""
    if any(part.problem is not None or part.failed >= 0 or part.gone for part in parts):
        return None
    whole = parts[0]
    for part in parts[1:]:
        if (part.first >= 0 or part.torn) and (whole.closed or whole.torn):
            return None
        if part.first < 0:  # no line begins there, or none that was finished
            whole = whole._replace(torn=whole.torn + part.torn)
        elif (part.first, part.follows) == (whole.seq, whole.hash):
            whole = part._replace(first=whole.first, follows=whole.follows)
        else:
            return None
    return whole if whole.first >= 0 else None


def _line_at(file: BinaryIO, place: int) -> int:
    """Where the first line begins at this byte or after it; where none does, the file's end, or too far for a line."""
    if place > 0:
        file.seek(place - 1)
        file.readline(MAX_LINE + 1)
        return file.tell()
    return 0


def _examined(root: Path, name: str, run: Callable[[Chain, BinaryIO], None]) -> Segment:
    chain = Chain(name.removesuffix(COMPRESSED))
    problem: Problem | None = None
    gone = False
    try:
        with open_segment(root / name) as file:
            run(chain, file)
    except FileNotFoundError:
        gone = True
    except (OSError, EOFError, zlib.error) as error:
        problem = _problem(chain, f"cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}")
    except Bad as bad:
        problem = _problem(chain, str(bad))
    return Segment(
        name=chain.name,
        first=chain.first,
        follows=chain.follows,
        seq=chain.seq,
        hash=chain.prev,
        bytes=chain.bytes,
        at=chain.at,
        closed=chain.closed,
        next=chain.next,
        torn=chain.torn,
        failed=chain.failed,
        gone=gone,
        problem=problem,
    )


def _problem(chain: Chain, what: str) -> Problem:
    return Problem(chain.name, chain.seq - max(chain.first, 0) + 1, chain.seq, what)
