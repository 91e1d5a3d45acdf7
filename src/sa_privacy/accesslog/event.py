"""What an event says: its members, and how they become bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

__all__ = ["Event", "Members", "decode_event", "members"]


class Members(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller may say of an event; the rest (time, writer, number, chain) is the log's own.

    Columns are ``"table.column"``. ``subjects`` are keyed pseudonyms; ``unbounded`` says that it cannot be told whose
    data it was. ``cells`` counts the sealed cells opened, by column. ``maintenance`` and ``break_glass`` mark what was done
    under such an access. ``intent`` is the ``seq``, of the same writer, of the intent that an outcome belongs to. ``site`` is
    the call site in the application, ``categories`` what the columns touched hold, where something was refused or is
    only observed; ``origin`` is the call site at which this process first ran a statement of this shape.
    Of a "context" event: ``categories`` and ``sealed`` are those of all columns, ``keys`` the ids of the keys at hand.
    Of a "break_glass" event: ``until`` is when it ends by itself. Of a "review": ``of`` is the ``writer:seq`` of the
    break-glass event it closes.
    ``recipient`` is whom the data was read for, to be given to them, as the policy names it; ``provision`` the id of the record.
    Of an "erasure" event, in the ledger of erasures: ``record`` names the erasure, ``people`` is the kind of person, ``plan`` the
    hash of what is done, ``ring`` what the keyring makes of nobody.
    Source: docs/spec/log.md.
    """

    actor: str | None = None
    roles: list[str] = []
    purpose: list[str] = []
    reason: str | None = None
    reads: list[str] = []
    matches: list[str] = []
    writes: list[str] = []
    deletes: list[str] = []
    subjects: list[str] | None = None
    rows: int | None = None
    cells: dict[str, int] | None = None
    statement: str | None = None
    decision: Literal["allowed", "denied", "would_deny"] | None = None
    denials: list[str] = []
    policy: str | None = None
    request: str | None = None
    maintenance: bool = False
    intent: int | None = None
    route: str | None = None
    site: str | None = None
    categories: dict[str, str] = {}
    narrowed: dict[str, list[str]] = {}
    origin: str | None = None
    unbounded: bool = False
    break_glass: bool = False
    ticket: str | None = None
    until: datetime | None = None
    of: str | None = None
    verdict: Literal["justified", "unjustified"] | None = None
    sealed: list[str] = []
    keys: list[str] = []
    recipient: str | None = None
    provision: str | None = None
    record: str | None = None
    state: Literal["begun", "done", "undone"] | None = None
    people: str | None = None
    plan: str | None = None
    ring: str | None = None


class Event(Members, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One line of the log.

    ``at`` is in UTC. ``(writer, seq)`` names an event for ever. ``prev`` and ``hash`` are SHA-256 in lower-case hex.
    The log writes two kinds itself: ``"opened"``, the first line of a segment, which carries ``format``, and
    ``"closed"``, its last line when the writer had the time to say so, with the name of the segment that goes on from it
    as ``next``.
    """

    kind: str
    at: datetime
    writer: str
    seq: int
    prev: str
    hash: str
    format: int | None = None
    cells: dict[str, int] | int | None = None  # type: ignore[assignment]  # format 1: one number
    next: str | None = None


_encode = msgspec.json.Encoder().encode
_convert = msgspec.convert
_decoder = msgspec.json.Decoder(Event)
_convert({}, Members)  # msgspec looks at the class once, and would swallow an interrupt meanwhile


def decode_event(line: bytes | bytearray) -> Event:
    """The event a line holds.

    :raises ValueError: the line is not an event (msgspec's errors are ValueErrors).
    """
    try:
        return _decoder.decode(line)
    except RecursionError:  # thousands of brackets, which only somebody else has put there
        raise ValueError("the line is nested too deep") from None


def members(**fields: Any) -> bytes:
    """The JSON members for :meth:`AccessLog.append`: UTF-8, no braces, no line break.

    Takes any fields of :class:`Members`; None is written as ``null``, what is left out is not written. Calls may be
    joined with ``b","`` as long as no field comes twice.

    :raises TypeError: a field is unknown or has a value of another type. Names the field, never the value.
    :raises ValueError: a text is no valid Unicode, or a number is too large for JSON.
    """
    try:
        _convert(fields, Members)
    except msgspec.ValidationError:
        raise TypeError(f"an event cannot hold {_faults(fields)}") from None
    try:
        return _encode(fields)[1:-1]
    except (ValueError, OverflowError):  # the original would carry the text along
        raise ValueError(f"a text or number among {', '.join(fields)} cannot be written as JSON") from None


def _faults(fields: dict[str, Any]) -> str:
    faults = []
    for name, value in fields.items():
        if name not in Members.__struct_fields__:
            faults.append(f"{name!r}: events have no such field")
            continue
        try:
            _convert({name: value}, Members)
        except msgspec.ValidationError:
            faults.append(f"{name!r}: {Members.__annotations__[name]} is wanted, not this {type(value).__name__}")
    return "; ".join(faults)
