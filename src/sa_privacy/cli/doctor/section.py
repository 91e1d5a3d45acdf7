"""What every part of the overview is: lines for people, facts for programs, and what is at risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["BREAKS", "LEAKS", "MIND", "Risk", "Section", "listed", "many"]

LEAKS: Final = 2
"""Personal data, or the keys to it, can be had past the policy."""
BREAKS: Final = 1
"""A promise is not kept, or cannot be."""
MIND: Final = 0
"""Good to know; nothing is broken."""

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Risk:
    """One thing that is at risk, and the way out.

    :param weight: :data:`LEAKS`, :data:`BREAKS` or :data:`MIND`.
    """

    weight: int
    what: str
    way_out: str


@dataclass(frozen=True, slots=True)
class Section:
    """The answer to one question. Holds names of tables, columns and files; no value, and nobody's identifier."""

    name: str
    lines: Sequence[str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    risks: Sequence[Risk] = ()


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def many(count: int, one: str, several: str | None = None) -> str:
    """A number of things: ``"1 table"``, ``"2 tables"``."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
