"""How evidence adds up.

Each piece of evidence for or against a kind has points: ten multiply the odds by ten, as with a decibel (I. J. Good's
weight of evidence, in decibans). Before any is seen the odds are one to ten: -10 points, about one column in eleven.
The points of a kind are added up; the sum ``s`` is odds of ``10 ** (s / 10)``, and the confidence ``odds / (1 + odds)``:
0 points are 50 %, 10 are 91 %, 20 are 99 %. A column is suggested as the kind that has the most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["LIKELY", "PRIOR", "Evidence", "Finding", "confidence", "weigh"]

PRIOR: Final = -10
"""Points of a column of which nothing is known."""
LIKELY: Final = 0.75
"""From here on a column is taken to be personal until somebody says that it is not."""
_MOST: Final = 60


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason.

    :param kind: the kind that it speaks for or against; None: it speaks against all.
    :param points: its weight; negative where it speaks against.
    :param reason: the reason, by its name in :mod:`~sa_privacy.discovery.reasons`, and the `words` that stand in it. Never
        a value.
    """

    kind: str | None
    points: int
    reason: str
    words: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A column that looks personal.

    :param table: ``"table"`` or ``"schema.table"``.
    :param kind: one of :data:`~sa_privacy.discovery.kinds.KINDS`.
    :param category: what the policy calls it.
    :param confidence: from 0 to 1.
    """

    table: str
    column: str
    kind: str
    category: str
    confidence: float
    evidence: tuple[Evidence, ...]

    @property
    def name(self) -> str:
        """As ``"table.column"``."""
        return f"{self.table}.{self.column}"

    @property
    def percent(self) -> str:
        """The confidence in words of people: nothing is more than 99 % sure."""
        return f"{min(self.confidence, 0.99):.0%}"


def confidence(points: int) -> float:
    """The share of columns with so many points that are what they look like."""
    odds = 10 ** (max(-_MOST, min(_MOST, points)) / 10)
    return float(odds / (1 + odds))


def weigh(evidence: Iterable[Evidence]) -> tuple[str, float, tuple[Evidence, ...]] | None:
    """The kind that has the most points, the confidence in it, and what speaks for and against it. None: nothing does."""
    seen = tuple(dict.fromkeys(evidence))
    kinds = dict.fromkeys(one.kind for one in seen if one.kind is not None and one.points > 0)
    best: tuple[str, int, tuple[Evidence, ...]] | None = None
    for kind in kinds:
        its = tuple(one for one in seen if one.kind in (kind, None))
        points = PRIOR + sum(one.points for one in its)
        if best is None or points > best[1]:
            best = (str(kind), points, its)
    return None if best is None else (best[0], confidence(best[1]), best[2])
