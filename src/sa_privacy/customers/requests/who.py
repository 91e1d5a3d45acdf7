"""Who takes a step of a request: the person themselves, signed in, or somebody whom the policy lets deal with requests."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from sa_privacy.access import Access
from sa_privacy.customers.speaking import is_the_person
from sa_privacy.errors import PolicyError, RequestRefused, RoleDenied
from sa_privacy.ledger import Desk, find_person
from sa_privacy.policy import RequestRules

__all__ = ["SIGNED_IN", "Who", "must_be_staff", "rules_of", "who_acts"]

SIGNED_IN = "signed_in"
"""The way of identifying people that is their being signed in: an access with ``subject=`` for a purpose of own rows, in a role
that reaches nothing else."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who takes a step.

    :param by: their name, as the access has it.
    :param person: ``(kind, key)`` of the person who is signed in; None: it is somebody else.
    :param staff: one whom the policy lets deal with requests.
    """

    by: str | None
    person: tuple[str, str] | None
    staff: bool

    def __repr__(self) -> str:
        return f"<Who {'the person' if self.person else 'staff' if self.staff else 'somebody'}>"


def rules_of(desk: Desk) -> RequestRules:
    """What the policy says of requests.

    :raises PolicyError: nothing.
    """
    rules = desk.policy.requests
    if rules is None:
        raise PolicyError(
            "the policy says nothing of people's requests.", hint="add a section [requests]; see docs/requests.md."
        )
    return rules


def who_acts(desk: Desk, connection: Connection, access: Access, *, anybody: bool = False) -> Who:
    """Who takes a step under an access.

    :param connection: of an open desk.
    :param access: the caller's own.
    :param anybody: whoever it is may; else it has to be the person, or somebody who deals with requests.
    :raises RoleDenied: it is neither.
    :raises NotGranted, NotPledged: somebody acts in a role that deals with requests, and does not stand in it.
    :raises RequestRefused: somebody deals with requests who does not say who they are.
    :raises UnknownPerson: the person who is signed in is not there.
    """
    rules = rules_of(desk)
    if is_the_person(access):
        person = find_person(desk, connection, access.subject)
        return Who(access.actor, (person.kind, person.text), staff=False)
    declared = sorted(rules.roles.intersection(access.roles))
    staff = not rules.roles.isdisjoint(desk.roles(connection))
    if declared and not staff and desk.standings is not None:
        raise desk.standings.error_for(access, declared[0], connection)
    if not staff and not anybody:
        able = " or ".join(sorted(rules.roles))
        raise RoleDenied(
            f"{' and '.join(access.roles) or 'nobody known (no role was declared)'} may not deal with people's requests.",
            hint=f'privacy.access(role="{able}").' if able else 'name roles in the policy: [requests] roles = ["..."].',
            purpose=access.purposes,
            roles=access.roles,
        )
    if staff and not access.actor:
        raise RequestRefused(
            "it has to be known who deals with a request.", hint='privacy.access(actor="staff:17", ...).'
        )
    return Who(access.actor, None, staff=staff)


def must_be_staff(who: Who) -> None:
    """Refuses the person themselves, for what others decide.

    :raises RequestRefused: it is the person.
    """
    if not who.staff:
        raise RequestRefused(
            "people may make requests, look at their own, and take them back; dealing with them is for others.",
            hint="do it under an access of a role of [requests], without subject=.",
        )
