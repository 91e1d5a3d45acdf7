"""In which role a command acts: one that the policy has for its work."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sa_privacy.cli.telling import fail
from sa_privacy.policy import Policy

__all__ = ["ANSWERING", "CONSENTS", "ERASING", "GRANTING", "MAINTAINING", "Office"]


@dataclass(frozen=True)
class Office:
    """A kind of work.

    :param able: the roles that may do it; None where the policy asks for none.
    :param otherwise: what to do where there is no such role.
    """

    able: Callable[[Policy], Collection[str] | None]
    otherwise: str = ""

    def role(self, policy: Policy, said: str | None) -> str | None:
        """The role to act in: the one that was said, or the only one that there is."""
        able = self.able(policy)
        if said is not None or able is None:
            return said
        if len(able) != 1:
            fail("in which role?", f"--role {' or '.join(sorted(able))}." if able else self.otherwise)
        return next(iter(able))


ERASING = Office(
    lambda policy: policy.erasure.roles if policy.erasure is not None else (),
    'name roles in the policy: [erasure] roles = ["..."].',
)
ANSWERING = Office(
    lambda policy: policy.requests.roles if policy.requests is not None else (),
    'name roles in the policy: [requests] roles = ["..."].',
)
CONSENTS = Office(lambda policy: policy.consents.roles if policy.consents is not None else None)
GRANTING = Office(
    lambda policy: [role.name for role in policy.roles.values() if role.grants],
    'say grants = ["..."] of one in the policy.',
)
MAINTAINING = Office(
    lambda policy: [role.name for role in policy.roles.values() if role.maintenance],
    "mark one with maintenance = true in the policy.",
)
