"""A grant: what one set of purposes and roles may do, worked out once and asked many times."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, get_args

from sa_privacy.errors import RoleDenied, UnknownPurpose, UnknownRole
from sa_privacy.policy.faults import cut, listing, nearest
from sa_privacy.policy.vocabulary import OWN_CATEGORY, OWN_PREFIX, Verb

if TYPE_CHECKING:
    from sa_privacy.policy.document import Policy

__all__ = [
    "GRANTS_KEPT",
    "Grant",
    "in_emergency",
    "make_grant",
    "may_act_for",
    "must_be_known",
    "must_not_break_glass",
    "valid_part",
]

#: How many grants a policy remembers. People act in ever new sets of roles: what is kept of grants has to end somewhere.
GRANTS_KEPT: Final = 1024

_Granting = dict[tuple[str, str], frozenset[str]]


@dataclass(frozen=True, eq=False, slots=True)
class Grant:
    """What may be done. Made by :meth:`Policy.grant`; compared by identity.

    :param purposes: the declared purposes, sorted.
    :param roles: the roles acted in, sorted.
    :param system: the job that acts, if it is one.
    :param everything: it covers every column, as in maintenance. The library's own it only reads, but at the library's desk: a
        ledger is written by what it is a ledger of, or whoever maintains the database would grant roles to themselves.
    """

    policy: Policy
    purposes: tuple[str, ...]
    roles: tuple[str, ...]
    system: str | None = None
    everything: bool = False
    _granting: _Granting = field(default_factory=dict, repr=False)
    _unbound: _Granting = field(default_factory=dict, repr=False)
    _deletable: dict[str, bool] = field(default_factory=dict, repr=False)

    def covers(self, verb: Verb, category: str, only: frozenset[str] | None = None) -> bool:
        """Whether the verb is allowed on a column of the category.

        :param only: the purposes the column itself is narrowed to; None narrows nothing.
        """
        if self.everything and (verb != "write" or category != OWN_CATEGORY):
            return True
        granting = self._granting.get((verb, category))
        return granting is not None and (only is None or not only.isdisjoint(granting))

    def through(self, verb: Verb, category: str, only: frozenset[str] | None = None) -> frozenset[str]:
        """The purposes by which the verb is allowed on a column of the category."""
        granting = self._granting.get((verb, category), frozenset[str]())
        return granting if only is None else granting & only

    def own_only(self, verb: Verb, category: str, only: frozenset[str] | None = None) -> bool:
        """Whether the verb is allowed, but only on the rows of the person that the access is for."""
        if self.everything or not self.covers(verb, category, only):
            return False
        unbound = self._unbound.get((verb, category))
        return unbound is None or (only is not None and only.isdisjoint(unbound))

    def may_delete(self, table: str) -> bool:
        """Whether rows may be deleted from the table, spelled as in the catalogue."""
        own = table.startswith(OWN_PREFIX) and ("write", OWN_CATEGORY) not in self._granting
        return table in self._deletable or (self.everything and not own)

    def deletes_own_only(self, table: str) -> bool:
        """Whether rows may be deleted from the table, but only those of the person that the access is for."""
        return not self.everything and self._deletable.get(table, False)

    def __repr__(self) -> str:
        whose = f" system={self.system}" if self.system else f" roles={listing(self.roles)}" if self.roles else ""
        return f"<Grant {'everything' if self.everything else listing(self.purposes) or 'nothing'}{whose}>"


def may_act_for(policy: Policy, roles: Collection[str], system: str | None = None) -> frozenset[str]:
    """The purposes that the system, or these roles together, may act for. Without a role: those of anonymous ones."""
    if system is not None:
        return policy.systems[system].purposes if system in policy.systems else frozenset()
    if not policy.roles:
        return frozenset(policy.purposes)
    acting = [policy.roles[role] for role in roles if role in policy.roles]
    if not roles:
        acting = [role for role in policy.roles.values() if role.anonymous]
    return frozenset[str]().union(*(role.purposes for role in acting))


def in_emergency(policy: Policy, roles: Collection[str]) -> frozenset[str]:
    """The further purposes that these roles together may act for by breaking the glass."""
    return frozenset[str]().union(*(policy.roles[role].break_glass for role in roles if role in policy.roles))


def make_grant(
    policy: Policy,
    purposes: tuple[str, ...],
    roles: tuple[str, ...],
    *,
    system: str | None,
    maintenance: bool,
    break_glass: bool = False,
) -> Grant:
    """Work a grant out; :meth:`Policy.grant` says what it means and what it raises."""
    must_be_known(policy, purposes, roles, system)
    if system is not None and not purposes:
        purposes = tuple(sorted(policy.systems[system].purposes))
    if maintenance:
        _must_maintain(policy, purposes, roles)
    else:
        _must_act_for(policy, purposes, roles, system, break_glass=break_glass)
    granting: dict[tuple[str, str], set[str]] = {}
    unbound: dict[tuple[str, str], set[str]] = {}
    deletable: dict[str, bool] = {}
    for purpose in (policy.purposes[name] for name in purposes):
        own = purpose.rows == "own"
        for verb in get_args(Verb):
            for category in purpose.of(verb):
                granting.setdefault((verb, category), set()).add(purpose.name)
                if not own:
                    unbound.setdefault((verb, category), set()).add(purpose.name)
        for table in purpose.delete:
            deletable[table] = own and deletable.get(table, True)
    return Grant(policy, purposes, roles, system, maintenance, _frozen(granting), _frozen(unbound), deletable)


def valid_part(
    policy: Policy,
    purposes: Collection[str],
    roles: Collection[str],
    *,
    system: str | None,
    maintenance: bool,
    break_glass: bool = False,
) -> Grant:
    """What :meth:`Policy.grant` gives for as much of this as it does not refuse; a grant of nothing, if need be."""
    known = tuple(role for role in roles if role in policy.roles or not policy.roles)
    maintains = maintenance and any(policy.roles[role].maintenance for role in known if role in policy.roles)
    acting = frozenset(policy.purposes) if maintains else may_act_for(policy, roles, system)
    if break_glass and system is None:
        acting |= in_emergency(policy, roles)
    kept = tuple(purpose for purpose in purposes if purpose in policy.purposes and purpose in acting)
    # A system without a purpose would be granted all of its own.
    system = system if kept and not maintains else None
    return policy.grant(kept, known, system=system, maintenance=maintains, break_glass=break_glass)


def _frozen(sets: dict[tuple[str, str], set[str]]) -> _Granting:
    return {key: frozenset(names) for key, names in sets.items()}


def must_be_known(
    policy: Policy, purposes: tuple[str, ...], roles: tuple[str, ...] = (), system: str | None = None
) -> None:
    """Raises UnknownPurpose or UnknownRole for the first name that the policy does not define."""
    for purpose in purposes:
        if purpose not in policy.purposes:
            message = f"the policy {cut(policy.id)} knows no purpose {cut(purpose)}."
            raise UnknownPurpose(message, hint=nearest(purpose, policy.purposes), purpose=purposes, roles=roles)
    for role in roles if policy.roles else ():
        if role not in policy.roles:
            message = f"the policy {cut(policy.id)} knows no role {cut(role)}."
            raise UnknownRole(message, hint=nearest(role, policy.roles), purpose=purposes, roles=roles)
    if system is not None and system not in policy.systems:
        message = f"the policy {cut(policy.id)} knows no system {cut(system)}."
        hint = f"{nearest(system, policy.systems)} A system is named in a section [systems.<name>] of the policy."
        raise UnknownRole(message, hint=hint, purpose=purposes, roles=roles)


def _must_maintain(policy: Policy, purposes: tuple[str, ...], roles: tuple[str, ...]) -> None:
    if any(policy.roles[role].maintenance for role in roles if role in policy.roles):
        return
    marked = sorted(role.name for role in policy.roles.values() if role.maintenance)
    hint = f"Act as {' or '.join(marked[:3])}." if marked else "Mark a role with maintenance = true in the policy."
    raise RoleDenied(f"{_who(roles, None)} may not do maintenance.", hint=hint, purpose=purposes, roles=roles)


def must_not_break_glass(policy: Policy, roles: tuple[str, ...]) -> RoleDenied:
    """The error for roles that may not break the glass."""
    able = sorted(role.name for role in policy.roles.values() if role.break_glass)
    hint = (
        f"{listing(able)} may."
        if able
        else 'Give a role break_glass = ["..."] and break_glass_for = "PT30M" in the policy.'
    )
    return RoleDenied(f"{_who(roles, None)} may not break the glass.", hint=hint, roles=roles)


def _must_act_for(
    policy: Policy, purposes: tuple[str, ...], roles: tuple[str, ...], system: str | None, *, break_glass: bool
) -> None:
    allowed = may_act_for(policy, roles, system)
    emergency = in_emergency(policy, roles) if system is None else frozenset()
    if break_glass:
        allowed |= emergency
    refused = [purpose for purpose in purposes if purpose not in allowed]
    if not refused:
        return
    what = listing([cut(purpose) for purpose in refused])
    if system is not None:
        hint = (
            f"It acts for {listing(sorted(allowed))}. Add the purpose to [systems.{system}] in the policy if it must."
        )
    else:
        acting = sorted(r.name for r in policy.roles.values() if r.purposes.issuperset(refused))
        hint = (
            f"{listing(acting)} may. Declare privacy.access(role={cut(acting[0])}) if that is who acts."
            if acting
            else "No single role may. Name the purposes under [roles] in the policy, or act in several roles."
        )
        if emergency.issuperset(refused):
            hint += " In an emergency: privacy.access(break_glass=True, reason=..., ticket=...)."
    raise RoleDenied(f"{_who(roles, system)} may not act for {what}.", hint=hint, purpose=purposes, roles=roles)


def _who(roles: tuple[str, ...], system: str | None) -> str:
    if system is not None:
        return f"system {cut(system)}"
    if not roles:
        return "nobody known (no role was declared)"
    return f"role {listing([cut(role) for role in roles])}"
