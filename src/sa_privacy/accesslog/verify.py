"""Proving a log: every line hashed again, and held against the line before it (docs/spec/log.md, Verification)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sa_privacy.accesslog.event import decode_event
from sa_privacy.accesslog.reading import open_segment, read_lines, segment_names
from sa_privacy.accesslog.segment import FORMAT, MAX_LINE, START, segment_name

__all__ = ["Problem", "Verification", "verify_directory"]

_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}\.jsonl", re.ASCII)
_HEAD = re.compile(
    rb'\{"kind":"([a-z][a-z0-9_]{0,31})","at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"'
    rb',"writer":"([0-9a-f]{16})","seq":(0|[1-9][0-9]{0,17}),'
)
_FORMATS = range(1, FORMAT + 1)
_HASH = b',"hash":"'
_TAIL = len(_HASH) + 64 + len(b'"}\n')


class Problem(NamedTuple):
    """Where a segment stops being what was written.

    ``line`` counts from 1; ``seq`` is the number of the event that belongs there. ``what`` is for people.
    """

    segment: str
    line: int
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.segment} line {self.line} (seq {self.seq}): {self.what}"


class Verification(NamedTuple):
    """What verifying a log found.

    :ivar events: the lines that hold, opening and closing lines included; those after a segment's problem do not count.
    :ivar segments: the segment files looked at.
    :ivar problems: the first problem of each segment that has one.
    :ivar torn: last lines without a line break: a writer died, or is writing just now. No sign of tampering by itself.
    :ivar unclosed: segments without a closing line: in use, killed, or cut at the end.
    """

    events: int
    segments: int
    problems: tuple[Problem, ...]
    torn: tuple[Problem, ...]
    unclosed: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Nothing was changed, added, removed or moved, as far as the chain can tell."""
        return not self.problems

    def __str__(self) -> str:
        verdict = "the chain holds" if self.ok else f"{len(self.problems)} segment(s) do not hold"
        lines = [f"{self.events} events in {self.segments} segments: {verdict}"]
        lines += [f"  {problem}" for problem in self.problems]
        lines += [f"  {torn}" for torn in self.torn]
        return "\n".join(lines)


class _Bad(Exception):
    """A line does not hold; the message says why."""


class _Chain:
    """One segment while it is read: what the next line has to be."""

    def __init__(self, name: str, ends: dict[bytes, _Chain]) -> None:
        self.name = name
        self.writer = b""
        self.prev = START
        self.seq = 0
        self.lines = 0
        self.closed = False
        self.next: str | None = None
        self._ends = ends

    def run(self, lines: Iterator[bytes]) -> bytes:
        """Take all lines; returns what stands after the last line break.

        :raises _Bad: a line, or the file's name, is not what belongs there.
        """
        if _NAME.fullmatch(self.name) is None:
            raise _Bad("the file does not have the name of a segment")
        for line in lines:
            if not line.endswith(b"\n"):
                self._check_torn(line)
                return line
            self.take(line)
        return b""

    def take(self, line: bytes) -> None:
        """Accept the next whole line.

        :raises _Bad: it is not the line that belongs here.
        """
        body, tail = line[:-_TAIL], line[-_TAIL:]
        digest = sha256(body).hexdigest().encode()
        if tail != _HASH + digest + b'"}\n':
            raise _Bad("changed: the hash does not match the line")
        head = _HEAD.match(body)
        if head is None:
            raise _Bad("the line does not begin as a line of the log does")
        kind, at, writer, number = head.groups()
        seq = int(number)
        if self.lines == 0:
            self._begin(kind, at, writer)
        if writer != self.writer:
            raise _Bad("added: the line belongs to another writer")
        if seq > self.seq:
            raise _Bad(f"lines are missing or moved: seq {seq} stands here")
        if seq < self.seq:
            raise _Bad(f"repeated or moved: seq {seq} stands here again")
        if not body.endswith(b',"prev":"' + self.prev + b'"'):
            raise _Bad("the line does not follow from the one before: one of the two was replaced")
        if self.closed:
            raise _Bad("added: the segment was closed before")
        if (kind == b"opened") is not (self.lines == 0):
            raise _Bad("added: a segment opens once, in its first line")
        self._decode(line, kind, seq)
        self.closed = kind == b"closed"
        self.prev = digest
        self.seq += 1
        self.lines += 1

    def _begin(self, kind: bytes, at: bytes, writer: bytes) -> None:
        if kind != b"opened":
            raise _Bad("broken header: the first line is not an opening line")
        if segment_name(at.decode(), writer.decode()) != self.name:
            raise _Bad("broken header: it belongs to a file of another name")
        self.writer = writer
        before = self._ends.get(writer)
        if before is not None and before.next == self.name:
            self.seq, self.prev = before.seq, before.prev

    def _decode(self, line: bytes, kind: bytes, seq: int) -> None:
        try:
            event = decode_event(line)
        except ValueError:  # its text may quote the line
            raise _Bad("the line is not an event") from None
        if event.seq != seq or event.kind.encode() != kind or event.writer.encode() != self.writer:
            raise _Bad("the line says twice, and differently, which event it is")
        if self.lines == 0 and event.format not in _FORMATS:
            raise _Bad(f"broken header: only formats up to {FORMAT} are known here")
        self.next = event.next

    def _check_torn(self, rest: bytes) -> None:
        """A rest is what a crash leaves, unless it goes on where only a line break may come."""
        if self.closed:
            raise _Bad("added: the segment was closed before")
        end = rest.find(_HASH)
        if len(rest) > MAX_LINE or (end >= 0 and len(rest) - end >= _TAIL):
            raise _Bad("changed: the line does not end where it has to")


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with open_segment(path) as file:
            yield from read_lines(file)
    except OSError as error:
        raise _Bad(f"cannot be read: {error.strerror or type(error).__name__}") from error


def verify_directory(directory: str | os.PathLike[str]) -> Verification:
    """Check the log in a directory; needs no right to write, and memory for one line at a time.

    A chain alone cannot tell a cut end of an unclosed segment or a segment that is gone altogether, and whoever may
    rewrite a whole segment can chain it anew (docs/spec/log.md, "What the chain does not show").

    :raises LogUnavailable: the directory cannot be listed.
    """
    root = Path(directory)
    events = 0
    problems: list[Problem] = []
    torn: list[Problem] = []
    unclosed: list[str] = []
    names = segment_names(root)
    ends: dict[bytes, _Chain] = {}
    for name in names:
        chain = _Chain(name, ends)
        try:
            rest = chain.run(_lines(root / name))
        except _Bad as bad:
            problems.append(Problem(name, chain.lines + 1, chain.seq, str(bad)))
        else:
            if rest or chain.lines == 0:
                what = f"torn: {len(rest)} bytes of a line that was not finished"
                torn.append(Problem(name, chain.lines + 1, chain.seq, what))
            if not chain.closed:
                unclosed.append(name)
        ends[chain.writer] = chain
        events += chain.lines
    return Verification(events, len(names), tuple(problems), tuple(torn), tuple(unclosed))
