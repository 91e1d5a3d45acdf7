"""Proving the table: each writer's lines by the rules of the chain (docs/spec/log.md, Verification), and that questions
find them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import select

from sa_privacy.accesslog.proof.checkpoint import Head
from sa_privacy.accesslog.proof.places import Place, place_of
from sa_privacy.accesslog.proof.verify import Covered, Problem, Verification
from sa_privacy.accesslog.proof.vouched import Vouched, read_copied
from sa_privacy.accesslog.sinks.chain import Chain
from sa_privacy.accesslog.sinks.entry import SEQS, Row, anybody_row, row_of, subject_rows
from sa_privacy.accesslog.sinks.table import EventTable, reaching
from sa_privacy.crypto import VerifyingKey
from sa_privacy.executors import results

__all__ = ["verify_table"]

_AT_ONCE = 5000

_NO_CHECKPOINTS = (
    "a table holds no checkpoints, and no place that they are copied to was named (--second): a chain that was written anew, "
    "or whose end was cut off, is not found."
)
_NO_CHECKPOINT = "there is no checkpoint in the second place: were they removed?"


def verify_table(
    table: EventTable,
    key: VerifyingKey | Iterable[VerifyingKey] | None = None,
    second: Place | str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
) -> Verification:
    """See :meth:`EventTable.verify`."""
    keys = None if key is None else {one.id: one for one in ((key,) if isinstance(key, VerifyingKey) else key)}
    place = place_of(second)
    vouched = Vouched() if place is None else read_copied(place, keys)  # before the lines: those go on meanwhile
    events = segments = after = 0
    problems: list[Problem] = list(vouched.problems)
    if place is not None and not vouched.number and not problems:
        problems.append(Problem("checkpoints", 1, 1, _NO_CHECKPOINT))
    late = 0
    unclosed: list[str] = []
    sums: dict[int, _Sum] = {}
    wanted = [(writer, number, vouched.heads.pop(writer, None)) for writer, number in table.writers().items()]
    for (_, number, head), found in zip(wanted, _examined(table, wanted, executor), strict=True):
        last = -1 if found.sum.last < 0 else found.sum.last % SEQS
        problem = found.problem
        if problem is None and head is not None and last < head.seq:
            problem = _cut(table, head, last)
            late += problem is None
        after += max(0, last - (head.seq if head is not None else -1))
        if problem is not None:
            problems.append(problem)
        else:
            sums[number] = found.sum
            if not found.closed:
                unclosed.append(found.segment)
        events += found.events
        segments += max(found.segments, 1)
    for head in vouched.heads.values():  # of writers of which nothing is here
        problem = _cut(table, head, -1)
        problems += [] if problem is None else [problem]
        late += problem is None
    problems += _check_beside(table, sums)
    covered = None
    if vouched.number:
        covered = Covered(vouched.number, datetime.fromisoformat(vouched.at), keys is not None, after, None)
    return Verification(events, segments, tuple(problems), (), tuple(unclosed), covered, tuple(_unshown(covered, late)))


def _unshown(covered: Covered | None, late: int) -> Iterator[str]:
    if covered is None:
        yield _NO_CHECKPOINTS
        return
    if not covered.signed:
        yield "no key was given: the checkpoints' signatures were not checked, and all of them may be forged."
    if late:
        yield f"{late} writer(s) have not arrived up to the last checkpoint; they may be on their way (log ship --lag)."
    if covered.after:
        yield f"{covered.after} event(s) that no checkpoint vouches for are held together by the chain alone."


def _cut(table: EventTable, head: Head, last: int) -> Problem | None:
    """What a checkpoint vouches for and is not here, though it was shipped; None: it was not, so it may yet come."""
    shipped = table.schema.shipped.c
    with reaching(table.engine), table.engine.connect() as connection:
        seq = connection.scalar(select(shipped.seq).where(shipped.segment == head.segment))
    if seq is None or seq <= head.seq:
        return None
    what = f"cut: a checkpoint vouches for lines up to seq {head.seq}, and they were shipped"
    return Problem(head.segment, 1, last + 1, what)


class _Lines(NamedTuple):
    """What a writer's lines turned out to be; see :class:`Chain` and :class:`_Sum`."""

    problem: Problem | None
    events: int
    segments: int
    segment: str
    closed: bool
    sum: _Sum


@dataclass(frozen=True, slots=True)
class _Piece:
    """One writer, for a worker. Can be pickled; says nothing of the URL, where a password may be."""

    url: str = field(repr=False)
    name: str
    schema: str | None
    writer: str
    number: int
    head: Head | None


def _examined(
    table: EventTable, wanted: Sequence[tuple[str, int, Head | None]], executor: Executor | None
) -> Iterator[_Lines]:
    """Each writer's lines, in this order: by the workers of an executor, where they can reach the table by its URL."""
    url = table.url
    if executor is None or url is None:
        yield from (_examine(table, *one) for one in wanted)
        return
    pieces = [_Piece(url, table.schema.name, table.schema.schema, *one) for one in wanted]
    found = dict(results(executor, _work, pieces))
    yield from (found[place] for place in range(len(wanted)))


def _work(piece: _Piece) -> _Lines:
    with EventTable(piece.url, name=piece.name, schema=piece.schema) as table:
        return _examine(table, piece.writer, piece.number, piece.head)


def _examine(table: EventTable, writer: str, number: int, head: Head | None) -> _Lines:
    chain, found = Chain(writer), _Sum()
    problem = _check(table, number, chain, found, head)
    return _Lines(problem, chain.events, chain.segments, chain.segment, chain.closed, found)


def _check(table: EventTable, number: int, chain: Chain, found: _Sum, head: Head | None) -> Problem | None:
    columns, dated = table.schema.events.c, table.schema.dated
    beside = (columns.at, columns.kind, columns.actor, columns.decision, columns.intent)
    found.writer = chain.writer
    for event, line, at, *others in table.rows(number, columns.line, *beside):
        text = line.encode() + b"\n"
        problem = chain.take(text)
        if problem is not None:
            return problem
        row = row_of(text)
        _, seq, *said, intent = row[:7]
        if head is not None and seq == head.seq and chain.hash != head.hash:
            what = "changed, and chained anew, here or before: a checkpoint vouches for another line of this number"
            return chain.problem(what, seq)
        expected = (number * SEQS + seq, *said, None if intent is None else number * SEQS + intent)
        if (event, as_in_line(at), *others) != expected:
            return chain.problem("changed: the columns beside the line do not say what it says", seq)
        found.last = event
        for one in _beside(row, number, dated):
            found.add(one)
    return None if chain.events else Problem(chain.writer, 1, 0, "no line of this writer is left")


def _beside(row: Row, number: int, dated: bool) -> list[tuple[Any, ...]]:
    """The rows that find an event."""
    anybody = anybody_row(row, number)
    return [*subject_rows(row, number, dated), *([] if anybody is None else [anybody])]


class _Sum:
    """The rows that events are found by, without their order: how many, and the sum of their hashes."""

    def __init__(self) -> None:
        self.writer = ""
        self.last = -1
        self.rows = 0
        self.sum = 0

    def add(self, row: tuple[Any, ...]) -> None:
        self.rows += 1
        self.sum += int.from_bytes(blake2b(repr(row).encode(), digest_size=16).digest())


def _check_beside(table: EventTable, sums: Mapping[int, _Sum]) -> Iterator[Problem]:
    """Which writers have an event that questions do not find: the sums tell whether, then the first is sought."""
    stored = {number: _Sum() for number in sums}

    def add(event: int, row: tuple[Any, ...]) -> None:
        number = event // SEQS
        if number in sums and event <= sums[number].last:  # what came after the lines were read is not looked at
            stored[number].add(row)

    with reaching(table.engine), table.engine.connect() as connection:
        streaming = connection.execution_options(yield_per=_AT_ONCE)
        for subject, *at, event in streaming.execute(select(table.schema.subjects)):
            add(event, (subject, *map(as_in_line, at), event))
        for at, event, *others in streaming.execute(select(table.schema.anybody)):
            add(event, (as_in_line(at), event, *others))
    for number, expected in sums.items():
        if (stored[number].rows, stored[number].sum) != (expected.rows, expected.sum):
            yield (
                _first_not_found(table, number, expected.writer)
                or Problem(expected.writer, 1, 0, "added: rows that find events that are not so")
            )


def _first_not_found(table: EventTable, number: int, writer: str) -> Problem | None:
    schema = table.schema
    chain = Chain(writer)
    for line in table.lines(writer):
        if (problem := chain.take(line)) is not None:
            return problem
        row = row_of(line)
        with reaching(table.engine), table.engine.connect() as connection:
            event = number * SEQS + row[1]
            subjects = connection.execute(select(schema.subjects).where(schema.subjects.c.event == event)).all()
            anybody = connection.execute(select(schema.anybody).where(schema.anybody.c.event == event)).all()
        held = {(subject, *map(as_in_line, at), of) for subject, *at, of in subjects}
        held |= {(as_in_line(at), *others) for at, *others in anybody}
        if not held.issuperset(_beside(row, number, schema.dated)):
            what = "the event is not found by whose data it was: rows beside it were changed or removed"
            return chain.problem(what, row[1])
    return None


def as_in_line(at: str | datetime) -> str:
    """A time of the table as it stands in a line."""
    return at if isinstance(at, str) else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
