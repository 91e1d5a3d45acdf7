"""What was in force when an event was written: categories, sealed columns, keys, from the `context` events."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["Context", "Contexts"]

_KIND: Final = frozenset({"context"})
_SEGMENT: Final = timedelta(days=8)
"""Every segment begins with a context, and a segment is rarely in use for longer."""


class Context(NamedTuple):
    """What a writer said of itself.

    :ivar categories: what every personal column holds.
    :ivar sealed: the columns that are sealed.
    :ivar keys: the ids of the keys at hand, the sealing one first.
    """

    policy: str | None
    categories: Mapping[str, str]
    sealed: frozenset[str]
    keys: tuple[str, ...]


class Contexts:
    """The contexts of all writers; each that is the same as another is kept once.

    :param since: the time of the first event that will be asked about, where it is known.
    :param until: the time after the last one.
    """

    def __init__(self, source: Source, *, since: datetime | None = None, until: datetime | None = None) -> None:
        self._source = source
        self._earlier = None if since is None else since - _SEGMENT
        self._kept: dict[tuple[object, ...], Context] = {}
        self._writers: dict[str, tuple[list[int], list[Context]]] = {}
        self._read(Wanted(kinds=_KIND, since=self._earlier, until=until))

    def at(self, writer: str, seq: int) -> Context | None:
        """What was in force for an event; None where its writer never said."""
        found = self._last(writer, seq)
        if found is None and self._earlier is not None:  # a writer of a very long segment
            wanted, self._earlier = Wanted(kinds=_KIND, until=self._earlier), None
            self._read(wanted)
            found = self._last(writer, seq)
        return found

    def _last(self, writer: str, seq: int) -> Context | None:
        seqs, contexts = self._writers.get(writer, ((), ()))
        index = bisect_right(seqs, seq)
        return contexts[index - 1] if index else None

    def _read(self, wanted: Wanted) -> None:
        for event in self._source.find(wanted):
            key = (event.policy, *event.sealed, None, *event.keys, None, *sorted(event.categories.items()))
            context = self._kept.setdefault(
                key, Context(event.policy, event.categories, frozenset(event.sealed), tuple(event.keys))
            )
            seqs, contexts = self._writers.setdefault(event.writer, ([], []))
            index = bisect_right(seqs, event.seq)
            seqs.insert(index, event.seq)
            contexts.insert(index, context)
