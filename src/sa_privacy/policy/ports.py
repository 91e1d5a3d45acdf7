"""What the gate asks others before a statement runs, without knowing where they keep it.

Each port answers for a batch, so that a statement costs one question. A port that cannot answer raises; it never
guesses, and the statement then does not run.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, runtime_checkable

__all__ = ["ConsentPort", "HoldPort", "PledgePort"]


@runtime_checkable
class ConsentPort(Protocol):
    """Who has agreed, or has not objected, to a purpose. Asked for purposes with ``consent`` other than ``"none"``."""

    def consenting(self, purpose: str, kind: str, keys: Collection[object]) -> frozenset[object]:
        """Those of the people whose data may be used for the purpose now.

        :param purpose: as the policy names it; whether silence means yes is the purpose's own ``consent`` rule.
        :param kind: the kind of data subject, e.g. ``"customer"``.
        :param keys: the keys of the people in question.
        :returns: a subset of ``keys``; who is not in it is left out.
        """
        ...


@runtime_checkable
class PledgePort(Protocol):
    """Which members of staff have pledged to handle personal data properly (clause 2-1)."""

    def pledged(self, actor: str) -> bool:
        """Whether the actor's pledge is to the current text, and stands. Without one there is no access."""
        ...


@runtime_checkable
class HoldPort(Protocol):
    """Whose data may not be deleted or changed for now, e.g. while a dispute is open."""

    def held(self, kind: str, keys: Collection[object]) -> frozenset[object]:
        """Those of the people whose data is under a hold.

        :param kind: the kind of data subject, e.g. ``"customer"``.
        :param keys: the keys of the people in question.
        :returns: a subset of ``keys``; deleting anything of theirs is refused, on every path.
        """
        ...
