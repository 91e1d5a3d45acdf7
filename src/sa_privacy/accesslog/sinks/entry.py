"""One line of the log on its way into a table: the columns made of it, and the subjects it is found by."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

__all__ = ["ANYBODY", "Entry", "Found", "Row", "entry_of", "index_key"]

ANYBODY = "*"
"""What stands for the subject of an event of which nobody can tell whose data it was."""
_KEY = 200

Row = tuple[str, int, str, str, str | None, str | None, int | None, str]
"""writer, seq, at, kind, actor, decision, intent, line: a row of the events."""
Found = tuple[str, str, str, int]
"""subject, at, writer, seq: a row of the subjects."""


class _Said(msgspec.Struct, gc=False):
    """What of an event the tables need: half the work of decoding all of it."""

    kind: str
    at: datetime
    writer: str
    seq: int
    prev: str
    hash: str
    actor: str | None = None
    decision: Literal["allowed", "denied", "would_deny"] | None = None
    subjects: list[str] | None = None
    unbounded: bool = False
    intent: int | None = None


_decode = msgspec.json.Decoder(_Said).decode


class Entry(NamedTuple):
    """What a line becomes.

    :ivar row: its row among the events; the line without its line break.
    :ivar found: a row for each subject.
    :ivar prev: the hash of the line before it, as it says.
    :ivar hash: its own, as it says.
    """

    row: Row
    found: list[Found]
    prev: str
    hash: str

    @property
    def moment(self) -> datetime:
        """When it was written, in UTC."""
        return datetime.fromisoformat(self.row[2])


def index_key(text: str | None) -> str | None:
    """A text as an index holds it: no longer than one may be, without what PostgreSQL has no character for."""
    return text if text is None else text[:_KEY].replace("\0", "\ufffd")


def entry_of(line: bytes) -> Entry:
    """Read a whole line, its line break included.

    :raises ValueError: it is not an event as the log writes one. The text quotes nothing of it.
    """
    try:
        event = _decode(line)
        text = str(line[:-1], "utf-8")
    except (ValueError, RecursionError):
        raise ValueError("it is not an event") from None
    kind, writer, seq = event.kind, event.writer, event.seq
    begin = 17 + len(kind)  # {"kind":"KIND","at":"
    at = text[begin : begin + 27]
    if not text.startswith(f'{{"kind":"{kind}","at":"{at}","writer":"{writer}","seq":{seq},') or at[-1:] != "Z":
        raise ValueError("it does not begin as a line of the log does")
    subjects = event.subjects
    if subjects is None:
        found = [(ANYBODY, at, writer, seq)] if event.unbounded else []
    else:
        keys = {index_key(subject) or "" for subject in subjects}
        if event.unbounded:
            keys.add(ANYBODY)
        found = [(key, at, writer, seq) for key in keys]
    row = (writer, seq, at, kind, index_key(event.actor), event.decision, event.intent, text)
    return Entry(row, found, event.prev, event.hash)
