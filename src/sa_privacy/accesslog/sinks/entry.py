"""One line of the log on its way into a table: the columns made of it, and the subjects it is found by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from zlib import crc32

import msgspec

from sa_privacy.accesslog.event import decode_event
from sa_privacy.accesslog.unbounded import is_unbounded, tables_of

__all__ = [
    "SEQS",
    "Links",
    "Row",
    "Touched",
    "anybody_row",
    "index_key",
    "links_of",
    "moment_of",
    "row_of",
    "subject_key",
    "subject_rows",
]

SEQS = 1 << 40
"""How many events a writer may have: an event's id in the table is its writer's number times this, and its ``seq``."""
_KEY = 200

Anybody = tuple[int, int, str]
"""seq of the statement's intent, rows, JSON of a Touched: of what nobody can tell whose data it was."""
Row = tuple[str, int, str, str, str | None, str | None, int | None, str, tuple[int, ...], Anybody | None]
"""writer, seq, at, kind, actor, decision, intent, line without its line break, keys of its subjects, and if
nobody can tell them, what was touched: what the tables hold of an event. A plain tuple: there are many."""
_Seq = Annotated[int, msgspec.Meta(ge=0, lt=SEQS)]


class _Said(msgspec.Struct, gc=False):
    """What of an event the tables need: half the work of decoding all of it."""

    kind: str
    at: datetime
    writer: str
    seq: _Seq
    prev: str
    hash: str
    actor: str | None = None
    decision: Literal["allowed", "denied", "would_deny"] | None = None
    subjects: list[str] | None = None
    unbounded: bool = False
    intent: _Seq | None = None


_decode = msgspec.json.Decoder(_Said).decode


class Touched(msgspec.Struct):
    """Who touched which tables, of which nobody can tell whose data it was."""

    actor: str | None
    tables: list[str]


class Links(NamedTuple):
    """The hash of the line before, and a line's own, as it says."""

    prev: str
    hash: str


def links_of(row: Row) -> Links:
    """What chains the line of a row."""
    said = _decode(row[7])
    return Links(said.prev, said.hash)


def moment_of(row: Row) -> datetime:
    """When the event of a row was written, in UTC."""
    return datetime.fromisoformat(row[2])


def index_key(text: str | None) -> str | None:
    """A text as an index holds it: no longer than one may be, without what PostgreSQL has no character for."""
    return text if text is None else text[:_KEY].replace("\0", "\ufffd")


def subject_key(subject: str) -> int:
    """A subject as the index holds it: its CRC-32. Two people may share one, so who asks looks at the lines too; in return
    the index, which is written all over with every batch, is a fifth of the size.
    """
    return crc32(subject.encode(errors="replace"))


def subject_rows(row: Row, number: int, dated: bool) -> Iterable[tuple[int, str, int] | tuple[int, int]]:
    """The rows of an event's subjects, of a writer of this number.

    :param dated: with the time, for tables that are divided by it.
    """
    at, event = row[2], number * SEQS + row[1]
    return [(key, at, event) for key in row[8]] if dated else [(key, event) for key in row[8]]


def anybody_row(row: Row, number: int) -> tuple[str, int, int, int, str] | None:
    """The row of an event of which nobody can tell whose data was handed over or changed; None: it is no such event."""
    if row[9] is None:
        return None
    statement, rows, touched = row[9]
    return row[2], number * SEQS + row[1], number * SEQS + statement, rows, touched


def _anybody(line: bytes) -> Anybody | None:
    event = decode_event(line)
    if not is_unbounded(event):
        return None
    touched = msgspec.json.encode(Touched(event.actor, sorted(tables_of(event)))).decode()
    return event.intent or event.seq, event.rows or 0, touched


def row_of(line: bytes) -> Row:
    """What a whole line becomes, its line break included.

    :raises ValueError: it is not an event as the log writes one. The text quotes nothing of it.
    """
    try:
        event = _decode(line)
        text = line[:-1].decode()
        anybody = _anybody(line) if event.unbounded else None
    except (ValueError, RecursionError):
        raise ValueError("it is not an event") from None
    kind, writer, seq = event.kind, event.writer, event.seq
    begin = 17 + len(kind)  # {"kind":"KIND","at":"
    at = text[begin : begin + 27]
    if not text.startswith(f'{{"kind":"{kind}","at":"{at}","writer":"{writer}","seq":{seq},') or at[-1:] != "Z":
        raise ValueError("it does not begin as a line of the log does")
    subjects = event.subjects
    keys: tuple[int, ...]
    if not subjects:
        keys = ()
    elif len(subjects) == 1:
        keys = (crc32(subjects[0].encode()),)
    else:
        keys = tuple({crc32(subject.encode()) for subject in subjects})
    actor = event.actor
    if actor is not None and (len(actor) > _KEY or "\0" in actor):
        actor = index_key(actor)
    return writer, seq, at, kind, actor, event.decision, event.intent, text, keys, anybody
