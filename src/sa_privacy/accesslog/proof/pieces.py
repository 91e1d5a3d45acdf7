"""The segments of a log held against the chain, here or in pieces by the workers of an executor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from sa_privacy.accesslog.proof.chain import Mark, Segment
from sa_privacy.accesslog.proof.segments import examine, examine_part, join_parts
from sa_privacy.accesslog.proof.snapshot import Standing
from sa_privacy.errors import LogUnavailable
from sa_privacy.executors import results

__all__ = ["PIECE", "examine_all"]

PIECE = 16 * 1024 * 1024
"""Bytes of a piece: a tenth of a second's work, and what a worker that dies has done in vain."""

Marks = Mapping[str, tuple[Mark, ...]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A segment, or the part of it between two bytes. Can be pickled.

    :ivar place: of the segment in the snapshot.
    :ivar parts: how many the segment has.
    """

    root: Path
    place: int
    name: str
    marks: tuple[Mark, ...]
    upto: int | None
    parts: int = 1
    begin: int = 0
    end: int = 0


def examine_all(
    root: Path, standing: Sequence[tuple[int, Standing]], marks: Marks, executor: Executor | None
) -> Iterator[tuple[int, Segment]]:
    """Each segment with its number, as they come.

    What a worker finds wrong is looked at once more, here and as a whole: so the first bad line is the same whoever looked.

    :param standing: the segments, numbered.
    :param marks: the lines that are vouched for, by segment.
    :raises LogUnavailable: a worker does not see the directory.
    """
    if executor is None:
        for place, one in standing:
            yield place, examine(root, one.name, marks.get(one.segment, ()), upto=one.upto)
        return
    found: dict[int, dict[int, Segment]] = {}
    named = dict(standing)
    for _, (piece, segment) in results(executor, _work, _cut(root, standing, marks)):
        parts = found.setdefault(piece.place, {})
        parts[piece.begin] = segment
        if len(parts) < piece.parts:
            continue
        del found[piece.place]
        whole = join_parts([parts[begin] for begin in sorted(parts)])
        if whole is None:
            one = named[piece.place]
            whole = examine(root, one.name, marks.get(one.segment, ()), upto=one.upto)
            if not whole.gone and any(part.gone for part in parts.values()):
                raise LogUnavailable(
                    f"A worker does not see the access log's directory {root}.",
                    hint="mount it under the same path where the workers run, or verify with processes of this machine.",
                )
        yield piece.place, whole


def _cut(root: Path, standing: Sequence[tuple[int, Standing]], marks: Marks) -> Iterator[_Piece]:
    """What is compressed is not cut: it is read from its beginning, or not at all."""
    for place, one in standing:
        size, vouched = one.upto or 0, marks.get(one.segment, ())
        begins = range(0, size, PIECE)
        if len(begins) < 2:
            yield _Piece(root, place, one.name, vouched, one.upto)
            continue
        for begin in begins:
            end = min(begin + PIECE, size)
            # A line that ends behind its part, because it is longer, is looked for in vain: then the whole is looked at.
            inside = tuple(mark for mark in vouched if begin < mark.bytes <= end or (end == size < mark.bytes))
            yield _Piece(root, place, one.name, inside, one.upto, len(begins), begin, end)


def _work(piece: _Piece) -> tuple[_Piece, Segment]:
    if piece.parts == 1 or piece.upto is None:
        return piece, examine(piece.root, piece.name, piece.marks, upto=piece.upto)
    return piece, examine_part(piece.root, piece.name, piece.marks, piece.upto, piece.begin, piece.end)
