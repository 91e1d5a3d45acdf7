"""What the bytes of a wanted event hold: most lines are passed over without being decoded.

The bytes are those that this library writes: members in msgspec's spelling, ``kind`` and ``at`` in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

from sa_privacy.accesslog.wanted import Wanted

__all__ = ["Bytes", "Sieve"]

Bytes: TypeAlias = bytes | bytearray
_encode: Final = msgspec.json.encode
_COMMON: Final = frozenset({"intent", "outcome", "use"})
_AT: Final = b'"at":"'
_AT_LENGTH: Final = len("2026-03-01T09:00:00.000001Z")
_FAR: Final = 64  # the longest kind and what is around it: "at" stands no farther into a line
_INTENT: Final = re.compile(rb'"intent":(\d+)')


class Sieve:
    """Lets through the lines that may be wanted, and few others.

    Of what is asked, the part that is rarest in a log is looked for in whole chunks; the rest in the lines found.

    :param also: bytes that a line has to hold too.
    """

    __slots__ = ("_intents", "_kinds", "_others", "_since", "_sought", "_until")

    def __init__(self, wanted: Wanted, also: bytes = b"") -> None:
        self._since = None if wanted.since is None else _moment(wanted.since)
        self._until = None if wanted.until is None else _moment(wanted.until)
        self._intents = frozenset(seq for _, seq in wanted.intents)
        self._kinds = tuple(b'{"kind":' + _encode(kind) for kind in sorted(wanted.kinds))
        rare = [self._kinds] if wanted.kinds and not wanted.kinds & _COMMON else []
        self._sought, *self._others = [*([(also,)] if also else []), *rare, *_ways(wanted)] or [()]

    def lines(self, chunk: Bytes, size: int) -> Iterator[tuple[int, Bytes]]:
        """The lines of a chunk that may be wanted, and where in it they begin.

        :param size: of the chunk: so many bytes are whole lines, and what is behind them is not looked at.
        """
        passes = self._passes
        for start, end in self._candidates(chunk, size):
            if passes(chunk, start, end):
                yield start, chunk[start:end]

    def _candidates(self, chunk: Bytes, size: int) -> Iterator[tuple[int, int]]:
        if self._intents:
            return _by_intent(chunk, size, self._intents)
        if self._sought:
            return _by_needles(chunk, size, self._sought)
        return _all(chunk, size)

    def _passes(self, chunk: Bytes, start: int, end: int) -> bool:
        if self._kinds and not chunk.startswith(self._kinds, start):
            return False
        if self._since is not None or self._until is not None:
            found = chunk.find(_AT, start, start + _FAR)
            if found >= 0:
                at = chunk[found + len(_AT) : found + len(_AT) + _AT_LENGTH]
                if (self._since is not None and at < self._since) or (self._until is not None and at >= self._until):
                    return False
        others = self._others
        return not others or all(any(chunk.find(one, start, end) >= 0 for one in needles) for needles in others)


def _ways(wanted: Wanted) -> Iterator[tuple[bytes, ...]]:
    """What has to be in a line, one of each tuple; the rarest first."""
    if wanted.subject is not None:
        yield (_encode(wanted.subject),)
    if wanted.decisions:
        yield tuple(b'"decision":' + _encode(decision) for decision in sorted(wanted.decisions))
    if wanted.actor is not None:
        yield (b'"actor":' + _encode(wanted.actor),)
    if wanted.table is not None:
        yield (_encode(wanted.table)[:-1],)  # begins "customers.name", and "customers" where rows are deleted


def _moment(at: datetime) -> bytes:
    """A time as it stands in a line; such texts sort as the times do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(_AT_LENGTH, "0").encode()


def _by_needles(chunk: Bytes, size: int, needles: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    """The lines that hold one of the needles, in order, each once."""
    find: Callable[..., int] = chunk.find
    ahead = {needle: at for needle in needles if (at := find(needle, 0, size)) >= 0}
    while ahead:
        first = min(ahead.values())
        start, end = chunk.rfind(b"\n", 0, first) + 1, find(b"\n", first) + 1
        yield start, end
        for needle, at in list(ahead.items()):
            if at < end:
                if (after := find(needle, end, size)) < 0:
                    del ahead[needle]
                else:
                    ahead[needle] = after


def _by_intent(chunk: Bytes, size: int, intents: frozenset[int]) -> Iterator[tuple[int, int]]:
    end = 0
    for found in _INTENT.finditer(chunk, 0, size):
        if int(found[1]) in intents and found.start() >= end:
            start, end = chunk.rfind(b"\n", 0, found.start()) + 1, chunk.find(b"\n", found.start()) + 1
            yield start, end


def _all(chunk: Bytes, size: int) -> Iterator[tuple[int, int]]:
    start, find = 0, chunk.find
    while (end := find(b"\n", start, size) + 1) > 0:
        yield start, end
        start = end
