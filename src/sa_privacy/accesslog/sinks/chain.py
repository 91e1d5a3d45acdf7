"""One writer's lines in a table held against the chain (docs/spec/log.md, Verification)."""

from __future__ import annotations

import re
from hashlib import sha256

from sa_privacy.accesslog.event import decode_event
from sa_privacy.accesslog.journal.segment import START, segment_name
from sa_privacy.accesslog.proof.verify import Problem

__all__ = ["Chain"]

_HEAD = re.compile(
    rb'\{"kind":"([a-z][a-z0-9_]{0,31})","at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"'
    rb',"writer":"([0-9a-f]{16})","seq":(0|[1-9][0-9]{0,17}),'
)
_NEXT = re.compile(rb',"next":"([^"\\]+)"')
_HASH = b',"hash":"'
_TAIL = len(_HASH) + 64 + len(b'"}\n')


class Chain:
    """One writer's lines while they are read.

    :ivar segment: the segment that the last line was in, by its opening line; the writer's id where that is not here.
    :ivar events: the lines that hold.
    :ivar closed: whether the writer closed its last segment.
    """

    def __init__(self, writer: str) -> None:
        self.writer = writer
        self.segment = writer
        self.segments = 0
        self.events = 0
        self.closed = False
        self._line = 0
        self._seq: int | None = None
        self._prev = START
        self._next: str | None = None

    def take(self, line: bytes) -> Problem | None:
        """Take the next line, its line break included, or say why it does not hold."""
        self._line += 1
        what = self._fault(line)
        if what is not None:
            return self.problem(what)
        self.events += 1
        return None

    @property
    def hash(self) -> str:
        """Of the line taken last."""
        return self._prev.decode()

    def problem(self, what: str, seq: int | None = None) -> Problem:
        """What is wrong with the line taken last, of this number; the one that belongs there."""
        return Problem(self.segment, self._line, (self._seq or 0) if seq is None else seq, what)

    def _fault(self, line: bytes) -> str | None:
        body, tail = line[:-_TAIL], line[-_TAIL:]
        digest = sha256(body).hexdigest().encode()
        if tail != _HASH + digest + b'"}\n':
            return "changed: the hash does not match the line"
        head = _HEAD.match(body)
        if head is None:
            return "the line does not begin as a line of the log does"
        kind, at, writer, number = head.groups()
        seq = int(number)
        if writer.decode() != self.writer:
            return "added: the line belongs to another writer"
        if self._seq is None:
            self._seq = seq  # what was before may have been removed in time
        elif not body.endswith(b',"prev":"' + self._prev + b'"'):
            if seq > self._seq:
                return f"lines are missing: seq {seq} stands here"
            return "the line does not follow from the one before: one of the two was replaced"
        if seq != self._seq:
            return f"lines are missing or moved: seq {seq} stands here"
        if seq == 0 and (kind != b"opened" or not body.endswith(b',"prev":"' + START + b'"')):
            return "the first line is not an opening line"
        if self._line > 1 and (kind == b"opened") is not self.closed:
            return "added: the segment was closed before" if self.closed else "added: a segment opens once"
        if not self._is_event(line, kind, seq):
            return "the line is not an event, or says twice, and differently, which event it is"
        if kind == b"opened":
            name = segment_name(at.decode(), self.writer)
            if self.closed and name != self._next:
                return "added: the segment before names another one to follow, or none"
            self.segments += 1
            self._line = 1
            self.segment = name
        elif kind == b"closed":
            following = _NEXT.search(body)
            self._next = following.group(1).decode() if following else None
        self.closed = kind == b"closed"
        self._prev = digest
        self._seq = seq + 1
        return None

    def _is_event(self, line: bytes, kind: bytes, seq: int) -> bool:
        try:
            event = decode_event(line)
        except ValueError:  # its text may quote the line
            return False
        return (event.kind.encode(), event.writer, event.seq) == (kind, self.writer, seq)
