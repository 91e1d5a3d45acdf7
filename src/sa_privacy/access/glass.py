"""Breaking the glass: an access beyond a role's own purposes, in an emergency, for a short time, seen by somebody else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

from sa_privacy.errors import AccessDenied

__all__ = ["BrokenGlass", "must_be_on_record"]


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """One broken glass.

    :param ticket: where the emergency is on record.
    :param until: when it ends by itself.
    :param deadline: the same, by a clock that nobody sets (:func:`time.monotonic`).
    :param roles: those it was broken in: on record, and of these the policy said for how long.
    """

    ticket: str
    until: datetime
    deadline: float
    roles: tuple[str, ...]

    @classmethod
    def now(cls, ticket: str, lasting: timedelta, roles: tuple[str, ...]) -> BrokenGlass:
        """One that is broken now, for so long."""
        return cls(ticket, datetime.now(UTC) + lasting, monotonic() + lasting.total_seconds(), roles)

    def opens_to(self, roles: Iterable[str]) -> bool:
        """Whether it was broken in all of these roles."""
        return set(roles) <= set(self.roles)

    def within(self, other: BrokenGlass | None) -> BrokenGlass:
        """The same, but over no later than another one around it."""
        if other is None or other.deadline >= self.deadline:
            return self
        return replace(self, until=other.until, deadline=other.deadline)

    @property
    def over(self) -> bool:
        """Whether its time is up, by either clock: a machine that slept has only one of them right."""
        return monotonic() >= self.deadline or datetime.now(UTC) >= self.until


def must_be_on_record(actor: str | None, reason: str | None, roles: tuple[str, ...]) -> None:
    """Refuses to break the glass where nobody says who does it, or why.

    :raises AccessDenied: naming what is missing.
    """
    missing = [name for name, said in (("an actor", actor), ("a reason", reason)) if not (said or "").strip()]
    if missing:
        raise AccessDenied(
            f"to break the glass takes {' and '.join(missing)}, for the one who looks at it afterwards.",
            hint='access(break_glass=True, actor="staff:17", reason="...", ticket="INC-2041").',
            roles=roles,
        )
