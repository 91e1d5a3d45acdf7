"""What one caller declared: who acts, for which purpose, on whose behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from sa_privacy.access.glass import BrokenGlass
from sa_privacy.policy import Grant

__all__ = ["EMPTY", "ENDED", "Access", "Withheld"]

Withheld = Literal["raise", "none", "mask"]

EMPTY: Final[Mapping[str, object]] = MappingProxyType({})
#: Noted in an access whose own scope was left for good.
ENDED: Final = "ended"


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """What one caller declared. Compared by identity: two blocks are two accesses, however alike.

    :param purposes: the declared purposes, as the policy names them.
    :param actor: who acts, in the application's own words, e.g. ``"staff:17"``.
    :param roles: the roles acted in.
    :param subject: the person whose own rows may be reached, as the key of their row or ``(kind, key)``.
    :param reason: why, in human words.
    :param request: the caller's own id of the request.
    :param subjects: the people whose data it is about, each as ``(kind, key)``: they stand in every event.
    :param withheld: what uncovered attributes read as: an error, None, or the category's mask.
    :param maintenance: every column is covered and every event logged.
    :param break_glass: under which circumstances the glass was broken; None: it is whole.
    :param details: whatever else the caller wants to keep with the access.
    :param waiting: purposes of a request that nobody may act for yet: they hold once a role is bound.
    :param grant: what the policy allows it.
    :param notes: room for the gate to keep what it worked out once for this access.
    """

    grant: Grant
    purposes: tuple[str, ...] = ()
    actor: str | None = None
    roles: tuple[str, ...] = ()
    subject: object = None
    reason: str | None = None
    request: str | None = None
    withheld: Withheld = "raise"
    maintenance: bool = False
    system: str | None = None
    subjects: tuple[tuple[str, object], ...] = ()
    break_glass: BrokenGlass | None = None
    waiting: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=lambda: EMPTY)
    notes: dict[object, Any] = field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Whether its own scope was left for good."""
        return ENDED in self.notes

    def __repr__(self) -> str:
        return f"<Access purposes={list(self.purposes)} roles={list(self.roles)}>"
