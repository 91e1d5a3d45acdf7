"""A set of people, and what each of them is concerned by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

__all__ = ["People"]


class People:
    """Pseudonyms, each with the bits of what it was met under. Memory: one entry for each person."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}
        self._known: dict[int, int] = {}  # one object for each combination, not for each person
        self._counts: Counter[int] | None = None

    def add(self, pseudonyms: Iterable[str], bits: int) -> None:
        """Notes that these people are concerned by `bits` too."""
        self._counts = None
        known, kept = self._bits, self._known
        for one in pseudonyms:
            before = known.get(one, 0)
            if before | bits != before or not bits:
                both = before | bits
                known[one] = kept.setdefault(both, both)

    def count(self, bits: int) -> int:
        """How many are concerned by any of `bits`."""
        if self._counts is None:
            self._counts = Counter(self._bits.values())
        return sum(times for both, times in self._counts.items() if both & bits)

    def __len__(self) -> int:
        return len(self._bits)

    def __iter__(self) -> Iterator[str]:
        return iter(self._bits)

    def __contains__(self, pseudonym: object) -> bool:
        return pseudonym in self._bits
