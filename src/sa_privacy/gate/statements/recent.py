"""A cache of what was asked for lately, of which a look-up costs one look into a dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any, Generic, TypeVar

__all__ = ["Recent"]

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps values by key. Once there are half as many again as it should hold, those go that nobody has asked for lately.

    :param size: how many it holds.
    :ivar entries: each value, and whether it was asked for lately. Who looks here, as the statement path does, says that.
    """

    __slots__ = ("_lock", "_size", "entries")

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self.entries: dict[Any, list[Any]] = {}

    def get(self, key: Any) -> T | None:
        """The value, or None."""
        entry = self.entries.get(key)
        if entry is None:
            return None
        entry[1] = True
        value: T = entry[0]
        return value

    def __setitem__(self, key: Any, value: T) -> None:
        self.entries[key] = [value, False]
        if len(self.entries) > self._size * 1.5:
            self._let_go()

    def __delitem__(self, key: Any) -> None:
        del self.entries[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self.entries))

    def __len__(self) -> int:
        return len(self.entries)

    def clear(self) -> None:
        """Forgets everything."""
        self.entries.clear()

    def _let_go(self) -> None:
        with self._lock:
            kept = sorted(self.entries.items(), key=_was_asked_for)  # in each half, the oldest stay in front
            for key, _ in kept[: max(0, len(kept) - self._size)]:
                self.entries.pop(key, None)
            for entry in list(self.entries.values()):
                entry[1] = False


def _was_asked_for(item: tuple[Any, list[Any]]) -> bool:
    asked: bool = item[1][1]
    return asked
