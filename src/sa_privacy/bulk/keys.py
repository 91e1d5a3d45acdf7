"""Keys of rows as text, for the ends of ranges that stand in a table: read back they are what they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from sa_privacy.errors import PolicyError

__all__ = ["PLAIN", "Key", "read_key", "write_key"]

Key: TypeAlias = tuple[Any, ...]
"""A key of a row, one value for each column of it."""

_KINDS: Final[dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]]] = {
    "b": (bool, str, "True".__eq__),
    "i": (int, str, int),
    "s": (str, str, str),
    "x": (bytes, bytes.hex, bytes.fromhex),
    "u": (UUID, str, UUID),
    "n": (Decimal, str, Decimal),
    "f": (float, float.hex, float.fromhex),
    "m": (datetime, datetime.isoformat, datetime.fromisoformat),
    "d": (date, date.isoformat, date.fromisoformat),
    "t": (time, time.isoformat, time.fromisoformat),
}
#: The types that can be written down, by what they are marked with.
PLAIN: Final = {kind: mark for mark, (kind, _, _) in _KINDS.items()}


def write_key(key: Key | None) -> str | None:
    """As text. None, which is no key, stays None.

    :raises PolicyError: a value is of no type that a driver has.
    """
    if key is None:
        return None
    return json.dumps([_written(value) for value in key])


def read_key(text: str | None) -> Key | None:
    """The key that was written."""
    return None if text is None else tuple(_KINDS[mark][2](value) for mark, value in json.loads(text))


def _written(value: Any) -> tuple[str, str]:
    if isinstance(value, (memoryview, bytearray)):
        value = bytes(value)
    mark = PLAIN.get(type(value))
    if mark is None:
        raise PolicyError(
            f"a key of the type {type(value).__name__} cannot be written down.",
            hint="tables for bulk work have keys of numbers, text, UUIDs, bytes or times.",
        )
    return mark, _KINDS[mark][1](value)
