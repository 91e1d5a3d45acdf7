"""The review of who may use what: granted by whom, why, until when; last used when; and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from sa_privacy.access.names import is_same
from sa_privacy.accesslog import Event, EventLog
from sa_privacy.accesslog.wanted import Finds, Wanted
from sa_privacy.ledger import Desk
from sa_privacy.policy import Policy, Role
from sa_privacy.staff.authority import Authority, Entry
from sa_privacy.staff.numbers import ACTOR
from sa_privacy.staff.pledges import Signature, current, until
from sa_privacy.staff.tables import ACCOUNTS, GRANTS, SIGNATURES

__all__ = ["Flag", "Holding", "Pledged", "Report", "RoleScope", "State", "review"]

State = Literal["in force", "to come", "ended", "revoked"]
Flag = Literal[
    "unused", "expires soon", "pledge missing", "pledge outdated", "role unknown", "account closed", "by its maker"
]
"""``"by its maker"``: whoever granted it has also made the account, and may know its first password."""

_ASKING: Final = frozenset({GRANTS.name, SIGNATURES.name})
"""What the gate itself reads to tell who stands in a role, be it to refuse them: that is no use of the role."""


class RoleScope(NamedTuple):
    """What a role opens.

    :ivar purposes: those that it may act for, in an emergency, too.
    :ivar categories: of the data that these purposes reach.
    :ivar granted: only whom it was granted to acts in it; else anybody whom the application lets.
    """

    role: str
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    granted: bool
    pledge: str | None
    maintenance: bool
    grants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One grant of a role to an actor.

    :ivar granted_by: who granted it, acting in `granted_as`.
    :ivar revoked_by: who revoked it, `revoked_at`, for `revoked_for`; None where nobody did.
    :ivar last_used: when the actor last acted in the role, as far as the log says; None: never, or nobody looked.
    """

    actor: str
    role: str
    state: State
    granted_by: str
    granted_as: str
    granted_at: datetime
    reason: str
    starts: datetime | None
    ends: datetime | None
    policy: str
    revoked_by: str | None = None
    revoked_at: datetime | None = None
    revoked_for: str | None = None
    last_used: datetime | None = None
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledged:
    """The last signature of an actor under a wording.

    :ivar holds: it is of the version of today, and has not run out.
    """

    actor: str
    wording: str
    version: str
    language: str
    at: datetime
    until: datetime | None
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a review looks at.

    :ivar at: when it was made.
    :ivar logged: whether the access log was asked when roles were last used.
    :ivar roles: what each role opens.
    :ivar holdings: every grant that there was, by actor, role and time.
    """

    at: datetime
    policy: str
    logged: bool
    roles: tuple[RoleScope, ...]
    holdings: tuple[Holding, ...]
    pledges: tuple[Pledged, ...]

    @property
    def flagged(self) -> tuple[Holding, ...]:
        """The grants that somebody should look at."""
        return tuple(one for one in self.holdings if one.flags)


def review(
    desk: Desk,
    authority: Authority,
    session: Session | Connection,
    log: EventLog | Finds | None,
    *,
    unused_after: timedelta,
    expiring_within: timedelta,
) -> Report:
    """See :meth:`sa_privacy.staff.Staff.report`."""
    policy = desk.policy
    with desk.open(session, reading=True) as connection:
        authority.must_be_officer(connection)
        names = [GRANTS.c[name] for name in Entry._fields]
        entries = [
            (Entry(*row[:-1]), row[-1])
            for row in connection.execute(select(*names, GRANTS.c.reason).order_by(GRANTS.c.id))
        ]
        columns = [SIGNATURES.c[name] for name in Signature._fields]
        signatures = [Signature(*row) for row in connection.execute(select(*columns).order_by(SIGNATURES.c.id))]
        accounts = connection.execute(select(ACCOUNTS.c.id, ACCOUNTS.c.created_by, ACCOUNTS.c.closed_at)).all()
    now = desk.now()
    used = last_uses(log) if log is not None else {}
    pledges = tuple(_pledges(signatures, policy, now))
    made_by = {f"{ACTOR}{number}": (maker, closed is not None) for number, maker, closed in accounts}
    holdings = tuple(
        _holding(
            grant,
            revocation,
            policy,
            now,
            used.get((grant[0].actor, grant[0].role)),
            pledges,
            made_by,
            log is not None,
            unused_after,
            expiring_within,
        )
        for grant, revocation in _paired(entries)
    )
    return Report(
        at=now,
        policy=policy.hash,
        logged=log is not None,
        roles=tuple(_scope(role, policy) for role in policy.roles.values()),
        holdings=tuple(sorted(holdings, key=lambda one: (one.actor, one.role, one.granted_at))),
        pledges=pledges,
    )


def last_uses(log: EventLog | Finds) -> Mapping[tuple[str, str], datetime]:
    """When each actor last acted in each role: was let through, by a statement or to a value in memory."""
    find = getattr(log, "find", None)
    wanted = Wanted(kinds=frozenset({"intent", "use"}), decisions=frozenset({"allowed", "would_deny"}))
    events: Iterator[Event] = find(wanted) if find is not None else (one for one in log.events() if wanted.takes(one))  # type: ignore[union-attr]
    used: dict[tuple[str, str], datetime] = {}
    for event in events:
        if event.actor is None or not event.roles or _only_asks(event):
            continue
        for role in event.roles:
            key = (event.actor, role)
            if key not in used or event.at > used[key]:
                used[key] = event.at
    return used


def _only_asks(event: Event) -> bool:
    if event.writes or event.deletes:
        return False
    tables = {column.rpartition(".")[0] for column in (*event.reads, *event.matches)}
    return bool(tables) and tables <= _ASKING


def _paired(entries: Iterable[tuple[Entry, str]]) -> Iterator[tuple[tuple[Entry, str], tuple[Entry, str] | None]]:
    """Each grant, with the entry that revoked it."""
    open_: dict[tuple[str, str], list[tuple[Entry, str]]] = {}
    for entry, reason in entries:
        key = (entry.actor, entry.role)
        if entry.revokes:
            yield from ((grant, (entry, reason)) for grant in open_.pop(key, ()))
        else:
            open_.setdefault(key, []).append((entry, reason))
    yield from ((grant, None) for grants in open_.values() for grant in grants)


def _holding(
    grant: tuple[Entry, str],
    revocation: tuple[Entry, str] | None,
    policy: Policy,
    now: datetime,
    last_used: datetime | None,
    pledges: tuple[Pledged, ...],
    accounts: Mapping[str, tuple[str, bool]],
    logged: bool,
    unused_after: timedelta,
    expiring_within: timedelta,
) -> Holding:
    entry, reason = grant
    ended_before = revocation is not None and entry.ends is not None and entry.ends <= revocation[0].at
    state: State = "in force"
    if revocation is not None and not ended_before:
        state = "revoked"
    elif entry.ends is not None and entry.ends <= now:
        state = "ended"
    elif entry.starts is not None and entry.starts > now:
        state = "to come"
    flags: list[Flag] = []
    if state in ("in force", "to come"):
        role = policy.roles.get(entry.role)
        since = max(last_used or entry.at, entry.starts or entry.at)
        if logged and state == "in force" and now - since >= unused_after:
            flags.append("unused")
        if entry.ends is not None and entry.ends - now <= expiring_within:
            flags.append("expires soon")
        if role is None:
            flags.append("role unknown")
        elif role.pledge is not None:
            signed = [one for one in pledges if (one.actor, one.wording) == (entry.actor, role.pledge)]
            if not any(one.holds for one in signed):
                flags.append("pledge outdated" if signed else "pledge missing")
        maker, closed = accounts.get(entry.actor, (None, False))
        if closed:
            flags.append("account closed")
        if maker is not None and is_same(maker, entry.grantor):
            flags.append("by its maker")
    revoked = revocation is not None and state == "revoked"
    return Holding(
        actor=entry.actor,
        role=entry.role,
        state=state,
        granted_by=entry.grantor,
        granted_as=entry.grantor_roles,
        granted_at=entry.at,
        reason=reason,
        starts=entry.starts,
        ends=entry.ends,
        policy=entry.policy,
        revoked_by=revocation[0].grantor if revoked and revocation else None,
        revoked_at=revocation[0].at if revoked and revocation else None,
        revoked_for=revocation[1] if revoked and revocation else None,
        last_used=last_used,
        flags=tuple(flags),
    )


def _pledges(signatures: list[Signature], policy: Policy, now: datetime) -> Iterator[Pledged]:
    last = {(one.actor, one.wording): one for one in signatures}
    for (actor, name), one in sorted(last.items()):
        held = current([each for each in signatures if (each.actor, each.wording) == (actor, name)], policy).get(name)
        wording = policy.wordings.get(name)
        yield Pledged(
            actor=actor,
            wording=name,
            version=one.version,
            language=one.language,
            at=one.at,
            until=until(wording, one.at) if wording is not None else None,
            holds=held is not None and (held[1] is None or now < held[1]),
        )


def _scope(role: Role, policy: Policy) -> RoleScope:
    purposes = sorted(role.reachable)
    reached = (policy.purposes[name] for name in purposes if name in policy.purposes)
    categories = sorted({one for purpose in reached for one in purpose.read | purpose.match | purpose.write})
    return RoleScope(
        role=role.name,
        purposes=tuple(purposes),
        categories=tuple(sorted(policy.categories)) if role.maintenance else tuple(categories),
        granted=role.granted,
        pledge=role.pledge,
        maintenance=role.maintenance,
        grants=tuple(sorted(role.grants)),
    )
