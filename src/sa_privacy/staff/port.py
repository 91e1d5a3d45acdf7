"""The library's own answer to the gate's question who stands in a role."""

from __future__ import annotations

from sqlalchemy import Connection

from sa_privacy.ledger import Desk
from sa_privacy.policy import Standing
from sa_privacy.staff.authority import Authority, in_force, next_start
from sa_privacy.staff.pledges import Pledges, current

__all__ = ["OwnStaff"]


class OwnStaff:
    """Answers from the ledgers of grants and signatures: a :class:`~sa_privacy.policy.StaffPort`."""

    def __init__(self, desk: Desk, authority: Authority, pledges: Pledges) -> None:
        self._desk = desk
        self._authority = authority
        self._pledges = pledges
        roles = desk.policy.roles.values()
        self._grants = any(role.granted for role in roles)
        self._signs = any(role.pledge is not None for role in roles)

    def standing(self, actor: str, connection: Connection) -> Standing:
        """What an actor was granted and has signed, in the transaction of the connection."""
        policy = self._desk.policy
        with self._desk.open(connection, asked=False, reading=True):
            entries = self._authority.of(connection, actor) if self._grants else []
            signatures = self._pledges.of(connection, actor) if self._signs else []
        now = self._desk.now()
        return Standing(in_force(entries, now), current(signatures, policy), next_start(entries, now))
