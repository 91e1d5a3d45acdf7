"""What is said where an access is declared, before anything is taken from the one around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

from sa_privacy.access.access import EMPTY, Access, Withheld
from sa_privacy.access.glass import BrokenGlass
from sa_privacy.access.subjects import Subject, as_subjects
from sa_privacy.access.words import as_text
from sa_privacy.errors import PolicyError

__all__ = ["DECLARED", "UNSET", "Declared", "Names", "Unset", "declare"]

Names = str | Collection[str] | None


class Unset(Enum):
    """Nothing was said."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class Declared(NamedTuple):
    """What was said at one ``access(...)``; what was left out is taken from the enclosing access."""

    purpose: tuple[str, ...] | Unset = UNSET
    actor: str | Unset | None = UNSET
    role: tuple[str, ...] | Unset = UNSET
    subject: object = UNSET
    reason: str | Unset | None = UNSET
    request: str | Unset | None = UNSET
    withheld: Withheld | Unset = UNSET
    maintenance: bool | Unset = UNSET
    system: str | Unset | None = UNSET
    subjects: tuple[Subject, ...] | Unset = UNSET
    break_glass: str | BrokenGlass | Unset = UNSET
    """The ticket of a glass that is to be broken, or one that was broken elsewhere and is carried here."""
    details: Mapping[str, object] = EMPTY

    def __repr__(self) -> str:  # it may name people
        return "<Declared>"

    def by_whom(self, outer: Access) -> Declared:
        """This declaration, with who acts, why and in which request, taken from the access around it."""
        said = {name: getattr(outer, name) for name in ("actor", "reason", "request")}
        left_out = {name: value for name, value in said.items() if isinstance(getattr(self, name), Unset)}
        return self._replace(**left_out, details={**outer.details, **self.details})

    def over(self, other: Declared) -> Declared:
        """This declaration, with what it leaves open taken from `other`."""
        said = {name: value for name in DECLARED if not isinstance(value := getattr(self, name), Unset)}
        merged = {name: getattr(other, name) for name in DECLARED} | said
        return Declared(**merged, details={**other.details, **self.details})


DECLARED: Final = (
    *("purpose", "actor", "role", "subject", "reason", "request", "withheld", "maintenance", "system", "subjects"),
    *("break_glass",),
)


def _names(value: Names, what: str) -> tuple[str, ...] | Unset:
    if value is None:
        return UNSET
    if type(value) is str and value:
        return (as_text(value),)
    names: tuple[Any, ...] = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(name, str) and name for name in names):
        raise PolicyError(
            f"{what} must be a name or a list of names.", hint=f'write {what}="..." or {what}=["...", "..."].'
        )
    return tuple(dict.fromkeys(map(as_text, names)))


def declare(
    purpose: Names = None,
    *,
    actor: str | None = None,
    role: Names = None,
    subject: object = None,
    reason: str | None = None,
    withheld: Withheld | None = None,
    request: str | None = None,
    maintenance: bool | None = None,
    subjects: object = None,
    break_glass: bool = False,
    ticket: str | None = None,
    **details: object,
) -> Declared:
    """What the arguments of ``privacy.access(...)`` say.

    :raises PolicyError: one of them cannot be meant.
    """
    if break_glass and not (isinstance(ticket, str) and ticket.strip()):
        raise PolicyError(
            "to break the glass takes a ticket, by which somebody else can look at it.",
            hint='access(break_glass=True, reason="...", ticket="INC-2041").',
        )
    if ticket is not None and not break_glass:
        details["ticket"] = ticket
    if withheld not in (None, "raise", "none", "mask"):
        raise PolicyError('withheld must be "raise", "none" or "mask".', hint='the default is "raise".')
    return Declared(
        purpose=_names(purpose, "purpose"),
        actor=UNSET if actor is None else as_text(actor),
        role=_names(role, "role"),
        subject=UNSET if subject is None else subject,
        reason=UNSET if reason is None else as_text(reason),
        request=UNSET if request is None else as_text(request),
        withheld=UNSET if withheld is None else withheld,
        maintenance=UNSET if maintenance is None else maintenance,
        subjects=UNSET if subjects is None else as_subjects(subjects),
        break_glass=as_text(ticket) if break_glass else UNSET,
        details=details,
    )
