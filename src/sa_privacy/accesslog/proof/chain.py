"""One segment held against the chain: every line hashed again, and that it follows from the one before."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple, NoReturn, get_type_hints

import msgspec

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.journal.segment import MAX_LINE, START, segment_name

__all__ = [
    "SEGMENT_NAME",
    "Bad",
    "Chain",
    "Mark",
    "Problem",
    "Segment",
    "writer_of",
]

SEGMENT_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}\.jsonl", re.ASCII)
FORMATS = (1, 2)
_HEAD = re.compile(
    rb'\{"kind":"([a-z][a-z0-9_]{0,31})","at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"'
    rb',"writer":"([0-9a-f]{16})","seq":(0|[1-9][0-9]{0,17}),'
)
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_OWN_KINDS = ("opened", "closed")
_MAX_KINDS = 256
_HASH = b',"hash":"'
_TAIL = len(_HASH) + 64 + len(b'"}')
_CHUNK = 256 * 1024


def _checked() -> Any:
    """The struct that checks a line's members: those of an event, but with nothing made for what is left out."""
    hints = get_type_hints(Event) | {"at": str, "next": str | None}
    own = {"kind", "at", "writer", "seq", "prev", "hash"}
    fields: list[Any] = [(name, hint) if name in own else (name, hint, None) for name, hint in hints.items()]
    return msgspec.defstruct("CheckedLine", fields, kw_only=True, gc=False)


_decode = msgspec.json.Decoder(_checked()).decode
_BROKEN = (ValueError, RecursionError)
"""What decoding a line raises that is no JSON, or none of a line; the latter where it is nested too deep."""


class Problem(NamedTuple):
    """Where a log stops being what was written.

    ``line`` counts from 1 in the segment; ``seq`` is the number of the event that belongs there. ``what`` is for people.
    In a file of checkpoints ``seq`` is the number of the checkpoint.
    """

    segment: str
    line: int
    seq: int
    what: str

    @property
    def writer(self) -> str:
        """The id of the segment's writer; empty for a file that has no such name."""
        return writer_of(self.segment)

    def __str__(self) -> str:
        name = self.segment if self.segment.isprintable() else ascii(self.segment)  # anybody may have chosen it
        return f"{name} line {self.line} (seq {self.seq}): {self.what}"


def writer_of(segment: str) -> str:
    """The writer's id in a segment's name; empty where the file has no such name."""
    return segment[-22:-6] if SEGMENT_NAME.fullmatch(segment) else ""


class Mark(NamedTuple):
    """A line that somebody vouches for: its ``seq`` and ``hash``, and where the bytes of the segment stand after it."""

    seq: int
    bytes: int
    hash: str


class Segment(NamedTuple):
    """What one segment turned out to be.

    :ivar name: as it was written, without ``.gz``.
    :ivar first: the ``seq`` of its first line, and ``follows`` the hash it follows from. -1: it has no line that holds.
    :ivar seq: the number that the next line would have; ``hash`` is that of the last one.
    :ivar bytes: up to the end of the last line that holds.
    :ivar at: the time in the last line that holds.
    :ivar closed: the last line is a closing one; ``next`` is the segment it names.
    :ivar torn: bytes after the last line break.
    :ivar failed: the mark, by place, that does not hold: -1 if all do. Those after the end of the lines do not.
    :ivar gone: there is no such file any more.
    """

    name: str
    first: int
    follows: str
    seq: int
    hash: str
    bytes: int
    at: str
    closed: bool
    next: str | None
    torn: int
    failed: int
    gone: bool
    problem: Problem | None

    @property
    def lines(self) -> int:
        """How many lines hold."""
        return 0 if self.first < 0 else self.seq - self.first


class Bad(Exception):
    """A line does not hold; the message says why."""


class Chain:
    """One segment while it is read: what the next line has to be."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.writer = ""
        self.first = -1
        self.follows = self.prev = START.decode()
        self.seq = 0
        self.bytes = 0
        self.at = ""
        self.closed = False
        self.next: str | None = None
        self.torn = 0
        self.failed = -1
        self._opens = -1
        self._part = False
        self._second = ""
        self._kinds: set[str] = set()

    def resume(self, after: Mark, file: BinaryIO, size: int) -> int:
        """Go on after a line up to which the segment was held against the chain before; returns the bytes left out.

        :raises Bad: the file ends before.
        """
        self.writer = writer_of(self.name)
        self.first = self.seq = after.seq + 1
        self.follows = self.prev = after.hash
        self.bytes = after.bytes
        if after.bytes > size or file.seek(after.bytes) != after.bytes:
            raise Bad("cut: the segment ends before what was there")
        return after.bytes

    def enter(self, begin: int) -> None:
        """Begin with the line after so many bytes, and take its word for what is before it."""
        self.writer = writer_of(self.name)
        self.bytes = begin
        self._part = True

    def run(self, file: BinaryIO, left: int, marks: tuple[Mark, ...] = ()) -> None:
        """Take all lines of a file.

        :param left: how many bytes: a reader never runs after a busy writer.
        :param marks: in order; looked at as the chain comes by. ``failed`` is the place of the first that does not hold.
        :raises Bad: a line, or the file's name, is not what belongs there.
        """
        if SEGMENT_NAME.fullmatch(self.name) is None:
            raise Bad("the file does not have the name of a segment")
        rest = b""
        place = 0
        while left > 0 and (chunk := file.read(min(left, _CHUNK))):
            left -= len(chunk)
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            if lines and len(lines[0]) >= MAX_LINE:
                raise Bad("changed: the line is longer than a line may be")
            if lines and self.first < 0:
                self._begin(lines[0])
            while place < len(marks) and (count := marks[place].seq + 1 - self.seq) <= len(lines):
                self._take(lines[: max(count, 0)])
                lines = lines[max(count, 0) :]
                if (self.seq - 1, self.bytes, self.prev) != marks[place]:
                    self.failed = place
                    marks = ()
                place += 1
            self._take(lines)
            if len(rest) > MAX_LINE:
                break
        if place < len(marks):
            self.failed = place
        if rest:
            self._check_torn(rest)
            self.torn = len(rest)

    def _begin(self, line: bytes) -> None:
        """Look at the first line of the segment, or of a part of one: it says where the chain stands.

        :raises Bad: it is no such line.
        """
        body = line[:-_TAIL]
        if line[-_TAIL:] != _HASH + sha256(body).hexdigest().encode() + b'"}':
            raise Bad("changed: the hash does not match the line")
        head = _HEAD.match(body)
        if head is None:
            raise Bad("the line does not begin as a line of the log does")
        kind, at, writer, number = head.groups()
        if self._part:
            self.first = self.seq = int(number)
            self.follows = self.prev = body[-65:-1].decode("ascii", "replace")
            return
        if kind != b"opened":
            raise Bad("broken header: the first line is not an opening line")
        if segment_name(at.decode(), writer.decode()) != self.name:
            raise Bad("broken header: it belongs to a file of another name")
        try:
            event = _decode(line)
        except _BROKEN:
            raise Bad("the line is not an event") from None
        if event.format not in FORMATS:
            raise Bad("broken header: only formats 1 and 2 are known here")
        if number != b"0":
            if event.format == 1:
                raise Bad(f"lines are missing or moved: seq {int(number)} stands here")
            self.follows = self.prev = event.prev
        self.writer = writer.decode()
        self.first = self.seq = self._opens = int(number)

    def _take(self, lines: list[bytes]) -> None:
        """Accept the next whole lines, their breaks left out.

        :raises Bad: one of them is not the line that belongs here.
        """
        decode, kinds, writer, opens = _decode, self._kinds, self.writer, self._opens
        seq, prev, size, closed, second, last = self.seq, self.prev, self.bytes, self.closed, self._second, self.at
        before = seq
        try:
            for line in lines:
                digest = sha256(line[:-_TAIL]).hexdigest()
                event = decode(line)
                kind = event.kind
                at = event.at
                if (
                    not line.endswith(f',"prev":"{prev}","hash":"{digest}"}}'.encode())
                    or not line.startswith(f'{{"kind":"{kind}","at":"{at}","writer":"{writer}","seq":{seq},'.encode())
                    or event.seq != seq
                    or event.writer != writer
                    or closed
                    or not (kind in kinds or self._knows(kind, seq == opens))
                ):
                    _refuse()
                if at[:20] != second:
                    second = _second_of(at)
                elif not (len(at) == 27 and at.isascii() and at[20:26].isdecimal() and at[26] == "Z"):
                    _refuse()
                if kind == "closed":
                    self.next = self._following(event.next)
                    closed = True
                last = at
                prev = digest
                size += len(line) + 1
                seq += 1
        except _BROKEN:  # its text may quote the line
            self.closed = closed
            raise Bad(self._fault(lines[seq - before], seq, prev)) from None
        finally:
            self.seq, self.prev, self.bytes, self.closed, self._second, self.at = seq, prev, size, closed, second, last

    def _knows(self, kind: str, first: bool) -> bool:
        """Whether a line of this kind may stand here; kinds that always may are remembered."""
        if kind in _OWN_KINDS:
            return (kind == "opened") is first
        if first or _KIND.fullmatch(kind) is None:
            return False
        if len(self._kinds) < _MAX_KINDS:
            self._kinds.add(kind)
        return True

    def _following(self, name: str | None) -> str | None:
        if name is not None and (writer_of(name) != self.writer or name <= self.name):
            raise ValueError
        return name

    def _fault(self, line: bytes, due: int, prev: str) -> str:
        """What is wrong with a line, in the order of the specification."""
        body = line[:-_TAIL]
        if line[-_TAIL:] != _HASH + sha256(body).hexdigest().encode() + b'"}':
            return "changed: the hash does not match the line"
        head = _HEAD.match(body)
        if head is None:
            return "the line does not begin as a line of the log does"
        kind, _, writer, number = head.groups()
        seq = int(number)
        if writer.decode() != self.writer:
            return "added: the line belongs to another writer"
        if seq > due:
            return f"lines are missing or moved: seq {seq} stands here"
        if seq < due:
            return f"repeated or moved: seq {seq} stands here again"
        if not body.endswith(b',"prev":"' + prev.encode() + b'"'):
            return "the line does not follow from the one before: one of the two was replaced"
        if self.closed:
            return "added: the segment was closed before"
        if kind == b"opened" and due != self._opens:
            return "added: a segment opens once, in its first line"
        try:
            event = _decode(line)
        except _BROKEN:
            return "the line is not an event"
        if event.seq != seq or event.kind.encode() != kind or event.writer.encode() != writer:
            return "the line says twice, and differently, which event it is"
        if kind == b"closed":
            return "the closing line names no segment that could follow"
        return "the line is not an event"

    def _check_torn(self, rest: bytes) -> None:
        """A rest is what a crash leaves, unless it goes on where only a line break may come."""
        if self.closed:
            raise Bad("added: the segment was closed before")
        end = rest.find(_HASH)
        if len(rest) > MAX_LINE or (end >= 0 and len(rest) - end > _TAIL):
            raise Bad("changed: the line does not end where it has to")


def _refuse() -> NoReturn:
    raise ValueError


def _second_of(at: str) -> str:
    """The second of a time, with the point after it.

    :raises ValueError: there is no such time.
    """
    if _AT.fullmatch(at) is None:
        raise ValueError
    datetime.fromisoformat(at)
    return at[:20]
