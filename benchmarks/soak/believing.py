"""What a row may hold, after writes of which some failed and of some nobody knows how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

__all__ = ["Beliefs", "End", "Row", "Write", "is_of"]

End = Literal["done", "failed", "unknown"]
"""How an operation ended: committed; certainly not; or the answer to its COMMIT never came."""

Row = Mapping[str, Any]
Write = tuple[str, str, Row | None]
"""Table, tag of the row, and the columns that are written; None: the row is deleted."""


class Beliefs:
    """The states that each row may be in: one, but for those that writes of unknown end left behind.

    The writes of one row come one after the other: each has one owner at a time.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[Row | None]] = {}

    def write(self, writes: Sequence[Write], end: End) -> None:
        """Notes how an operation ended that wrote these."""
        if end == "failed":
            return
        for table, tag, columns in writes:
            before = self.states(table, tag)
            after: list[Row | None] = []
            for state in before:
                new = None if columns is None else {**(state or {}), **columns}
                if new not in after:
                    after.append(new)
            if end == "unknown":
                after += [state for state in before if state not in after]
            self._rows[table, tag] = after

    def states(self, table: str, tag: str) -> list[Row | None]:
        """What the row may hold; None stands for: it is not there."""
        return self._rows.get((table, tag), [None])

    def certain(self, table: str, tag: str) -> Row | None:
        """What the row holds; None where nobody knows."""
        states = self.states(table, tag)
        return states[0] if len(states) == 1 else None

    def seen(self, table: str, tag: str, found: Row | None) -> bool:
        """Notes what somebody saw of a row, and tells whether it may have held that."""
        states = self.states(table, tag)
        left = [state for state in states if _agree(state, found)]
        if left and len(left) < len(states):
            self._rows[table, tag] = left
        return bool(left)

    def forget(self, table: str, tag: str) -> None:
        """The row is somebody else's from now on."""
        self._rows.pop((table, tag), None)

    def rows(self) -> list[tuple[str, str]]:
        """Table and tag of every row that was ever written."""
        return list(self._rows)


def _agree(state: Row | None, found: Row | None) -> bool:
    if state is None or found is None:
        return state is found
    return all(found[name] == value for name, value in state.items() if name in found)


def is_of(tag: str, value: str) -> bool:
    """Whether a personal value is of the row with this tag."""
    return value.startswith((f"{tag}|", f"{tag}."))
