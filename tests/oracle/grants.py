"""What is opened in one case: to us as purposes, to the databases as the columns these cover."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sa_privacy.footprint import Footprint
from tests.oracle.choices import Choices
from tests.oracle.world import CATEGORIES, PERSONAL, PROTECTED

__all__ = ["EVERYTHING", "Opened", "claims_of", "draw"]


@dataclass(frozen=True)
class Opened:
    """What may be done.

    :param parts: ``"r_email"`` opens a category for reading and matching, ``"w_email"`` for writing, ``"d_people"`` a
        table for deleting. They are purposes of the policy, and names of roles.
    """

    parts: frozenset[str]

    def __post_init__(self) -> None:
        assert self.parts <= _ALL

    def covers(self, letter: str, columns: Iterable[str]) -> bool:
        """Whether all the personal columns may be read (``"r"``) or written (``"w"``)."""
        return all(f"{letter}_{PERSONAL[column]}" in self.parts for column in columns)

    def may_delete(self, tables: Iterable[str]) -> bool:
        return all(_delete(table) in self.parts for table in tables)


def _delete(table: str) -> str:
    return f"d_{table.replace('.', '_')}"


_ALL: Final = frozenset(
    {*(f"{letter}_{name}" for letter in "rw" for name in CATEGORIES), *(_delete(name) for name in PROTECTED)}
)
EVERYTHING: Final = Opened(_ALL)


def claims_of(footprint: Footprint) -> Opened:
    """Exactly what a footprint claims."""
    reads = {f"r_{PERSONAL[column]}" for column in footprint.reads | footprint.matches}
    writes = {f"w_{PERSONAL[column]}" for column in footprint.writes}
    return Opened(frozenset(reads | writes | {_delete(table) for table in footprint.deletes}))


def draw(choices: Choices, claims: Opened) -> Opened:
    """Just what is claimed, or that without one part, or anything: about as many on either side of the line."""
    pick = choices.below(10)
    if pick <= 3 and claims.parts:
        return claims
    if pick <= 7 and claims.parts:
        return Opened(claims.parts - {choices.one(sorted(claims.parts))})
    return Opened(frozenset(part for part in sorted(_ALL) if choices.chance(50)))
