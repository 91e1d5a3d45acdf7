"""The tombstone: what is read where a person's key was destroyed (docs/spec/cell.md, "Frames")."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal

__all__ = ["ERASED", "Erased"]


class Erased(Enum):
    """The type of :data:`ERASED`, its one member: so that a type checker can tell it from everything else."""

    ERASED = "(erased)"

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return "ERASED"


ERASED: Final[Literal[Erased.ERASED]] = Erased.ERASED
"""Stands for a value that nobody can read any more, because its person was erased.

It is false, prints as ``(erased)``, equals nothing but itself, is the same object after pickling and copying, and cannot
be stored.
"""
