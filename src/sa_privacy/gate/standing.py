"""Who stands in a role: it was granted to them and still is, and they have signed its pledge.

A role that the actor does not stand in counts as if it had not been declared. The gate asks before each statement that
touches personal data, on the statement's own connection; answers are kept for a few seconds, but for what this process
itself has just changed. The clock is looked at each time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakSet

from sa_privacy.access import Access
from sa_privacy.access.desk import UNASKED
from sa_privacy.access.names import folded
from sa_privacy.errors import AccessDenied, NotGranted, NotPledged
from sa_privacy.policy import Policy, Role, StaffPort, Standing, in_emergency, may_act_for

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Standings", "standings_of"]

_KEPT: Final = 10_000
_SETTLES: Final = 60.0
"""For how many seconds after a change nothing is kept of that actor: a transaction with an older snapshot may ask."""
_STOOD: Final = "stood in"
_PASSED: Final = "passed by"
_FREE: Final = "needs no standing"
_NONE: Final = Standing()

_asking: ContextVar[bool] = ContextVar("sa_privacy.asks_for_standing", default=False)


class _Answer(NamedTuple):
    standing: Standing
    until: float


class _Passed(NamedTuple):
    """What an access passed by, and until when, if nothing else is answered."""

    standing: Standing
    until: datetime | None


@dataclass(slots=True)
class _Changed:
    """What this process changed of one actor: the transactions that did, and until when nothing is kept."""

    transactions: WeakSet[Any] = field(default_factory=WeakSet)
    until: float = 0.0

    @property
    def settled(self) -> bool:
        return monotonic() >= self.until and not any(one.is_active for one in self.transactions)


def standings_of(policy: Policy, port: StaffPort, clock: Callable[[], datetime], recheck: float) -> Standings | None:
    """What the gate asks; None where no role of the policy is granted or takes a pledge."""
    if not any(role.asked_for for role in policy.roles.values()):
        return None
    return Standings(policy, port, clock, recheck)


class Standings:
    """Knows who stands in which role.

    :param port: answers.
    :param clock: tells the time, aware.
    :param recheck: for how many seconds an answer is kept.
    """

    def __init__(self, policy: Policy, port: StaffPort, clock: Callable[[], datetime], recheck: float) -> None:
        self._policy = policy
        self._port = port
        self._clock = clock
        self._recheck = recheck
        self._asked_for = {name: role for name, role in policy.roles.items() if role.asked_for}
        #: Whether rows are limited by role: a role that is declared and not held may then reach more than the others do.
        self.rows_differ: Callable[[], bool] = lambda: False
        self._lock = Lock()
        self._answers: dict[str, _Answer] = {}
        self._changed: dict[str, _Changed] = {}

    # -- what is refused ------------------------------------------------------------------------------------------

    def refusal(self, access: Access, connection: Connection) -> AccessDenied | None:
        """Why an access may run nothing that touches personal data; None where it may.

        :param connection: of the statement that waits.
        """
        passed: _Passed | None = access.notes.get(_PASSED)
        if passed is not None and passed.standing is self._kept(access.actor, passed.until):
            return None
        if self._is_free(access):
            return None
        standing = self._ask(access.actor, connection)
        held = access.notes[_STOOD] = self._held(access, standing)
        if not self._covers(access, held):
            access.notes.pop(_PASSED, None)
            return self._error(access, standing)
        access.notes[_PASSED] = _Passed(standing, self._lasting(held, standing))
        return None

    def refusal_in_memory(
        self, access: Access, owner: Access | None, connect: Callable[[], Connection | None]
    ) -> AccessDenied | None:
        """Why an access may not be given a value that another one loaded; None where it may.

        :param owner: the access that loaded it. What somebody loaded themselves, in roles that they stood in, is theirs.
        :param connect: gives a connection to ask on, or None where there is none.
        """
        if self._is_free(access):
            return None
        if owner is not None and owner.actor == access.actor and self._covers(access, owner.notes.get(_STOOD, ())):
            return None
        standing = self._kept(access.actor)
        if standing is None:
            connection = connect()
            if connection is None:
                return self._unknown(access)
            standing = self._ask(access.actor, connection)
        held = self._held(access, standing)
        return None if self._covers(access, held) else self._error(access, standing)

    def roles_of(self, access: Access, connection: Connection) -> frozenset[str]:
        """The roles of an access that its actor stands in, or that nobody need stand in."""
        standing = _NONE
        if not self._asked_for.keys().isdisjoint(access.roles):
            standing = self._ask(access.actor, connection)
        return frozenset(role for role in access.roles if role not in self._asked_for) | self._held(access, standing)

    def error_for(self, access: Access, role: str, connection: Connection) -> AccessDenied:
        """The error for one who does not stand in a role of their access."""
        role_only, standing = self._asked_for[role], self._ask(access.actor, connection)
        if self._is_granted(role_only, standing, self._clock()):
            return self._not_pledged(access, role_only)
        return self._not_granted(access, role_only)

    def may_keep(self, left: Access | None, entered: Access) -> bool:
        """Whether values that `left` used may stay in objects for `entered`, which may be another person's access."""
        if left is None or self._is_free(entered) or left.actor == entered.actor:
            return True
        standing = self._kept(entered.actor)
        return standing is not None and self._covers(entered, self._held(entered, standing))

    # -- what is known --------------------------------------------------------------------------------------------

    def changed(self, actor: str, connection: Connection) -> None:
        """This process writes something about an actor: what was kept counts no more, and until the transaction has
        ended, and every older one with it, the database is asked each time.
        """
        with self._lock:
            if len(self._changed) >= _KEPT:
                self._changed = {name: one for name, one in self._changed.items() if not one.settled}
            change = self._changed.setdefault(folded(actor), _Changed())
            transaction = connection.get_transaction()
            if transaction is not None:
                change.transactions.add(transaction)
            change.until = monotonic() + _SETTLES
            self._answers.clear()

    def _kept(self, actor: str | None, until: datetime | None = None) -> Standing | None:
        """The answer that still holds; None where there is none, or where `until` has passed."""
        if actor is None:
            return _NONE
        answer = self._answers.get(actor)
        if answer is None or monotonic() >= answer.until:
            return None
        standing = answer.standing
        if until is not None or standing.until is not None:
            now = self._clock()
            if not (_lasts(until, now) and _lasts(standing.until, now)):
                return None
        return standing

    def _ask(self, actor: str | None, connection: Connection) -> Standing:
        kept = self._kept(actor)
        if kept is not None or actor is None:
            return kept or _NONE
        asked = monotonic()
        with _while_asking():
            standing = self._port.standing(actor, connection)
        if self._recheck > 0:
            self._keep(actor, standing, asked)
        return standing

    def _keep(self, actor: str, standing: Standing, asked: float) -> None:
        with self._lock:
            if self._changed:
                key = folded(actor)
                change = self._changed.get(key)
                if change is not None:
                    if not change.settled:
                        return
                    del self._changed[key]
            if len(self._answers) >= _KEPT:
                self._answers.clear()
            self._answers[actor] = _Answer(standing, asked + self._recheck)

    # -- what it means --------------------------------------------------------------------------------------------

    def _is_free(self, access: Access) -> bool:
        """Whether nothing has to be asked: the roles that nobody need stand in cover the access."""
        free: bool | None = access.notes.get(_FREE)
        if free is None:
            free = access.notes[_FREE] = (
                UNASKED in access.notes
                or access.system is not None
                or self._asked_for.keys().isdisjoint(access.roles)
                or self._covers(access, ())
            )
        return free or _asking.get()

    def _covers(self, access: Access, held: Collection[str]) -> bool:
        """Whether the access would be granted without the roles that the actor does not stand in."""
        roles = [role for role in access.roles if role not in self._asked_for or role in held]
        if access.maintenance:
            return any(self._policy.roles[role].maintenance for role in roles if role in self._policy.roles)
        allowed = may_act_for(self._policy, roles)
        if access.break_glass is not None and access.break_glass.opens_to(access.roles):
            allowed |= in_emergency(self._policy, roles)
        if not allowed.issuperset(access.grant.purposes):
            return False
        lost = (self._policy.roles[role] for role in access.roles if role not in roles)
        return not self.rows_differ() or all(role.reachable.isdisjoint(access.grant.purposes) for role in lost)

    def _held(self, access: Access, standing: Standing) -> frozenset[str]:
        now = self._clock()
        wanted = (self._asked_for[role] for role in access.roles if role in self._asked_for)
        return frozenset(
            role.name
            for role in wanted
            if self._is_granted(role, standing, now) and self._is_pledged(role, standing, now)
        )

    def _lasting(self, held: Collection[str], standing: Standing) -> datetime | None:
        """The first moment at which one of the roles is held no longer."""
        roles = [self._asked_for[role] for role in held]
        ends = [standing.roles[role.name] for role in roles if role.granted]
        ends += [standing.pledges[role.pledge][1] for role in roles if role.pledge is not None]
        return min((end for end in ends if end is not None), default=None)

    @staticmethod
    def _is_granted(role: Role, standing: Standing, now: datetime) -> bool:
        return not role.granted or (role.name in standing.roles and _lasts(standing.roles[role.name], now))

    def _is_pledged(self, role: Role, standing: Standing, now: datetime) -> bool:
        if role.pledge is None:
            return True
        version, until = standing.pledges.get(role.pledge, (None, None))
        return version == self._policy.wordings[role.pledge].version and _lasts(until, now)

    def _error(self, access: Access, standing: Standing) -> AccessDenied:
        """The error that names the first role that would have covered more."""
        now = self._clock()
        lost = [self._asked_for[role] for role in access.roles if role in self._asked_for]
        lost = [r for r in lost if not (self._is_granted(r, standing, now) and self._is_pledged(r, standing, now))]
        ungranted = [role for role in lost if not self._is_granted(role, standing, now)]
        if ungranted:
            return self._not_granted(access, ungranted[0])
        return self._not_pledged(access, lost[0])

    def _not_granted(self, access: Access, role: Role) -> NotGranted:
        granting = sorted(name for name, one in self._policy.roles.items() if role.name in one.grants)
        if access.actor is None:
            message = f'role "{role.name}" is granted by name, and no actor is declared.'
            hint = 'say who acts: privacy.access(actor="staff:17", ...).'
        else:
            message = f'role "{role.name}" is granted by name, and was not granted to who acts here, or is no longer.'
            hint = "no role of the policy may grant it: name it in the grants of one."
            if granting:
                said = f'privacy.staff.grant(session, actor, "{role.name}", reason="...", until=...)'
                hint = f"who acts as {' or '.join(granting)} grants it: {said}."
                if role.grants:
                    hint += " As long as nobody can: sa-privacy staff bootstrap."
            if len(access.roles) > 1:
                hint += " Or leave the role out of the access."
        return NotGranted(message, hint=hint, purpose=access.purposes, roles=access.roles)

    @staticmethod
    def _not_pledged(access: Access, role: Role) -> NotPledged:
        return NotPledged(
            f'role "{role.name}" takes the pledge "{role.pledge}", and who acts here has not signed its current version.',
            hint=f'they sign it themselves: privacy.staff.sign(session, actor, "{role.pledge}").',
            purpose=access.purposes,
            roles=access.roles,
        )

    def _unknown(self, access: Access) -> AccessDenied:
        role = next(self._asked_for[role] for role in access.roles if role in self._asked_for)
        kind = NotGranted if role.granted else NotPledged
        return kind(
            f'whether who acts here stands in the role "{role.name}" is not known, and cannot be asked here.',
            hint="load the object under this access, or run a statement under it first.",
            purpose=access.purposes,
            roles=access.roles,
        )


def _lasts(until: datetime | None, now: datetime) -> bool:
    return until is None or now < until


@contextmanager
def _while_asking() -> Iterator[None]:
    """What the port itself runs is not asked for again."""
    token = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(token)
