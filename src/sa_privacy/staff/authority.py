"""Authority: who was granted which role, by whom, why and for how long. A ledger that only grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from unicodedata import category

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sa_privacy.access import as_text
from sa_privacy.access.names import folded, is_same, mixes_alphabets
from sa_privacy.errors import NoAccess, StaffRefused
from sa_privacy.ledger import Desk
from sa_privacy.policy.faults import cut, listing, nearest
from sa_privacy.staff.tables import ACTOR_LENGTH, GRANTS

__all__ = ["OPERATOR", "Authority", "Entry", "in_force", "must_be_actor", "next_start"]

OPERATOR = "sa-privacy"
"""Who grants the first role of all: nobody of the staff can."""


class Entry(NamedTuple):
    """One entry of the ledger.

    :ivar revokes: all earlier grants of the role to the actor end.
    :ivar grantor: who entered it, acting in `grantor_roles`.
    :ivar starts: the grant holds from here on; None: at once.
    :ivar ends: the moment from which it holds no more; None: until it is revoked.
    :ivar policy: the hash of the policy at that time.
    """

    id: int
    actor: str
    role: str
    revokes: bool
    at: datetime
    grantor: str
    grantor_roles: str
    starts: datetime | None
    ends: datetime | None
    policy: str


_ENTRY = [GRANTS.c[name] for name in Entry._fields]


def in_force(entries: Iterable[Entry], now: datetime) -> Mapping[str, datetime | None]:
    """Which roles the entries about one actor grant at a moment, and until when.

    :param entries: in order of their ids.
    """
    roles: dict[str, datetime | None] = {}
    for one in unrevoked(entries):
        if (one.starts is None or one.starts <= now) and (one.ends is None or now < one.ends):
            before = roles.get(one.role, one.ends)
            roles[one.role] = None if before is None or one.ends is None else max(before, one.ends)
    return roles


def next_start(entries: Iterable[Entry], now: datetime) -> datetime | None:
    """When the first grant begins that is yet to come."""
    return min((one.starts for one in unrevoked(entries) if one.starts is not None and now < one.starts), default=None)


def unrevoked(entries: Iterable[Entry]) -> list[Entry]:
    """The grants to one actor that no later entry revokes."""
    left: list[Entry] = []
    for entry in entries:
        if entry.revokes:
            left = [one for one in left if one.role != entry.role]
        else:
            left.append(entry)
    return left


class Authority:
    """Grants and revokes roles, at the desk of one policy."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def grant(
        self,
        session: Session | Connection,
        actor: str,
        role: str,
        *,
        reason: str,
        starts: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """See :meth:`sa_privacy.staff.Staff.grant`."""
        actor = must_be_read_alike(actor)
        self._must_be_granted(role)
        with self._desk.open(session) as connection:
            by = self._must_grant(connection, role)
            if is_same(actor, by):
                raise StaffRefused(
                    "nobody grants a role to themselves, whatever the case or the form of the letters of the name.",
                    hint="somebody else who may grant it has to.",
                    roles=(role,),
                )
            now = self._desk.moment(after=self._last(connection))
            must_be_span(starts, until, now)
            return self._enter(connection, actor, role, False, now, by, reason, starts, until)

    def revoke(self, session: Session | Connection, actor: str, role: str, *, reason: str) -> int:
        """See :meth:`sa_privacy.staff.Staff.revoke`."""
        actor, role = must_be_actor(actor), must_be_name(role, "role")
        with self._desk.open(session) as connection:
            by = self._desk.held().actor
            if by is None or by != actor:  # anybody may give up their own
                by = self._must_grant(connection, role)
            now = self._desk.moment(after=self._last(connection))
            entries = [one for one in self.of(connection, actor) if one.role == role]
            if not any(one.ends is None or now < one.ends for one in unrevoked(entries)):
                raise StaffRefused(
                    f"role {cut(role)} is not granted to them, and will not be.",
                    hint="privacy.staff.report(session) says what is; names are taken letter by letter.",
                    roles=(role,),
                )
            return self._enter(connection, actor, role, True, now, by, reason, None, None)

    def bootstrap(self, session: Session | Connection, actor: str, role: str, *, reason: str) -> int:
        """See :meth:`sa_privacy.staff.Staff.bootstrap`."""
        actor = must_be_read_alike(actor)
        self._must_be_granted(role)
        if not self._desk.policy.roles[role].grants:
            granting = sorted(one.name for one in self._desk.policy.roles.values() if one.grants)
            raise StaffRefused(
                f"the first role of all has to be one that grants, and {cut(role)} does not.",
                hint=f"{listing(granting)} would." if granting else 'give a role grants = ["..."] in the policy.',
                roles=(role,),
            )
        with self._desk.open(session, asked=False) as connection:
            if connection.scalar(select(GRANTS.c.id).limit(1)) is not None:
                raise _is_begun()
            try:
                return self._enter(
                    connection, actor, role, False, self._desk.moment(), OPERATOR, reason, None, None, first=True
                )
            except IntegrityError:
                raise _is_begun() from None

    def revoke_all(self, connection: Connection, actor: str, by: str, reason: str) -> None:
        """Revokes every role that an actor has or will have. At the desk."""
        now = self._desk.moment(after=self._last(connection))
        entries = self.of(connection, actor)
        for role in sorted({one.role for one in entries}):
            left = unrevoked(one for one in entries if one.role == role)
            if any(one.ends is None or now < one.ends for one in left):
                self._enter(connection, actor, role, True, now, by, reason, None, None)

    def of(self, connection: Connection, actor: str) -> list[Entry]:
        """The entries about an actor, in order. At the desk."""
        return [
            Entry(*row)
            for row in connection.execute(select(*_ENTRY).where(GRANTS.c.actor == actor).order_by(GRANTS.c.id))
        ]

    def must_be_officer(self, connection: Connection) -> str:
        """Who acts, in a role that grants others.

        :raises StaffRefused: they do not.
        """
        return self._acting(
            connection, [one.name for one in self._desk.policy.roles.values() if one.grants], "look after staff"
        )

    def _must_grant(self, connection: Connection, role: str) -> str:
        granting = [one.name for one in self._desk.policy.roles.values() if role in one.grants]
        return self._acting(connection, granting, f"grant or revoke the role {cut(role)}")

    def _acting(self, connection: Connection, able: list[str], what: str) -> str:
        held = self._desk.held()
        if held.actor is None:
            raise NoAccess(
                f"nobody is declared who would {what}.", hint='privacy.access(actor="staff:17", role="...").'
            )
        declared = sorted(set(held.roles).intersection(able))
        if declared and self._desk.roles(connection).isdisjoint(declared) and self._desk.standings is not None:
            raise self._desk.standings.error_for(held, declared[0], connection)
        if not declared or held.system is not None:
            raise StaffRefused(
                f"who acts may not {what} in this role.",
                hint=f"{listing(sorted(able))} may: privacy.access(role=...)."
                if able
                else 'no role may; say grants = ["..."] of one in the policy.',
                roles=held.roles,
            )
        return held.actor

    def _must_be_granted(self, role: str) -> None:
        known = self._desk.policy.roles
        if must_be_name(role, "role") not in known:
            raise StaffRefused(f"the policy knows no role {cut(role)}.", hint=nearest(role, known), roles=(role,))
        if not known[role].granted:
            raise StaffRefused(
                f"role {cut(role)} is not granted by name: anybody whom the application lets acts in it.",
                hint=f"say granted = true under [roles.{role}] in the policy.",
                roles=(role,),
            )

    def _last(self, connection: Connection) -> datetime | None:
        found: datetime | None = connection.scalar(select(GRANTS.c.at).order_by(GRANTS.c.id.desc()).limit(1))
        return found

    def _enter(
        self,
        connection: Connection,
        actor: str,
        role: str,
        revokes: bool,
        now: datetime,
        by: str,
        reason: str,
        starts: datetime | None,
        ends: datetime | None,
        *,
        first: bool = False,
    ) -> int:
        said: object = reason
        if not isinstance(said, str) or not said.strip():
            raise StaffRefused("a reason is needed.", hint="say why, for whoever reviews it.", roles=(role,))
        if self._desk.standings is not None:
            self._desk.standings.changed(actor, connection)
        entry = {
            "actor": actor,
            "role": role,
            "revokes": revokes,
            "at": now,
            "grantor": by,
            "grantor_roles": ", ".join(self._desk.held().roles)[:2000],
            "reason": as_text(reason),
            "starts": starts,
            "ends": ends,
            "policy": self._desk.policy.hash,
            "first": True if first else None,
        }
        made = connection.execute(insert(GRANTS).values(**entry))
        key = made.inserted_primary_key
        return int(key[0]) if key is not None else 0


def must_be_actor(actor: object) -> str:
    """The name of an actor, if it can be one.

    :raises StaffRefused: it cannot.
    """
    if (
        not isinstance(actor, str)
        or not folded(actor)
        or len(actor) > ACTOR_LENGTH
        or any(category(one) in ("Cc", "Cs") for one in actor)
    ):
        raise StaffRefused(
            f"an actor is named by text of 1 to {ACTOR_LENGTH} characters.",
            hint='name them as privacy.access(actor="staff:17") does.',
        )
    return as_text(actor)


def must_be_read_alike(actor: object) -> str:
    """The name of an actor, if whoever reads it sees whose it is.

    :raises StaffRefused: it cannot be a name, or looks like another one.
    """
    name = must_be_actor(actor)
    if mixes_alphabets(name):
        raise StaffRefused(
            "a word of the name has letters of several alphabets that look alike.",
            hint="write each word in one alphabet; a grant is for the name, letter by letter.",
        )
    return name


def must_be_name(said: object, what: str) -> str:
    """A name of the policy's, or at least text.

    :raises StaffRefused: it is none.
    """
    if not isinstance(said, str):
        raise StaffRefused(f"a {what} is named by text.", hint="name it as the policy does.")
    return said


def must_be_span(starts: datetime | None, until: datetime | None, now: datetime) -> None:
    """Refuses a time that is none, or over.

    :raises StaffRefused: it has no time zone, ends before it begins, or has passed.
    """
    moments: tuple[object, ...] = (starts, until)
    for moment in moments:
        if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
            raise StaffRefused(
                "a moment is a datetime with its time zone.", hint="datetime.now(UTC) + timedelta(days=30)."
            )
    try:
        over = until is not None and until.astimezone(UTC) <= max(now, (starts or now).astimezone(UTC))
    except OverflowError:
        raise StaffRefused("there is no such time in UTC.", hint="leave until= out: it holds until revoked.") from None
    if over:
        raise StaffRefused("the grant would be over before it begins.", hint="give an until that is yet to come.")


def _is_begun() -> StaffRefused:
    return StaffRefused(
        "there are grants already.", hint="whoever acts in a role that grants does it: privacy.staff.grant(...)."
    )
