"""Whether who acts is the person whose data it is: the one rule of all rooms over people's own consent, records and requests."""

from __future__ import annotations

from sa_privacy.access import Access
from sa_privacy.gate.rows.own_rows import has_own_purpose
from sa_privacy.policy import Policy, Role

__all__ = ["is_the_person"]


def is_the_person(access: Access) -> bool:
    """Whether who acts is the person whose rows the access reaches: in a role that is made for people themselves.

    A role that reaches other people's data too, as support's may, shows nothing of who acts, whomever it names as subject.
    """
    if access.subject is None or access.system is not None or not has_own_purpose(access):
        return False
    policy = access.grant.policy
    if not policy.roles:
        return True
    named = [policy.roles[name] for name in access.roles if name in policy.roles]
    acting = named if access.roles else [role for role in policy.roles.values() if role.anonymous]
    return bool(acting) and all(_is_for_people(role, policy) for role in acting)


def _is_for_people(role: Role, policy: Policy) -> bool:
    """Whether a role reaches the rows of one person only, or no values at all (to find who signs in)."""
    purposes = [policy.purposes[name] for name in role.reachable]
    own = all(one.rows == "own" or not (one.read or one.write or one.delete) for one in purposes)
    return own and not role.maintenance and not role.disclose
