"""What people type into forms and addresses: the number of a customer, a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import Path

__all__ = ["Number", "day_of", "number_of"]

_GREATEST: Final = 2**31 - 1  # that a key can be
_LAST: Final = date(9000, 1, 1)  # there is room to count on from

#: Of a row, in the address of a page.
Number = Annotated[int, Path(ge=0, le=_GREATEST)]


def number_of(said: str) -> int | None:
    """The number that was typed; None where it is none that a row could have."""
    if not said.isdecimal() or len(said) > len(str(_GREATEST)):
        return None
    number = int(said)
    return number if number <= _GREATEST else None


def day_of(said: str) -> date | None:
    """The day that was typed, as 2026-04-01; None where it is none."""
    try:
        day = date.fromisoformat(said.strip())
    except ValueError:
        return None
    return day if day < _LAST else None
