"""A refusal in words: what, what for, as whom, and the next step. Never a value."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sa_privacy.errors import AccessDenied, NoAccess, PurposeDenied
from sa_privacy.policy.decide import Decision, Denial
from sa_privacy.policy.faults import cut, listing
from sa_privacy.policy.grant import Grant, may_act_for

__all__ = ["denied"]

_DONE = {"read": "read", "match": "matched", "write": "written", "delete": "deleted"}
_DOING = {"read": "reading", "match": "matching", "write": "writing", "delete": "deleting"}
_TOLD = 8


def denied(decision: Decision, grant: Grant | None) -> AccessDenied:
    """The error for a refusal.

    :returns: :class:`NoAccess` where no purpose was declared, else :class:`PurposeDenied`. Its ``columns`` names every
        column refused, also those that the message only counts.
    :raises ValueError: nothing was refused.
    """
    if not decision.denials:
        raise ValueError("nothing was refused, so there is nothing to tell")
    refused = _refused(decision.denials)
    columns = dict.fromkeys(denial.column for denial in decision.denials)
    if grant is None or not grant.purposes:
        why = "no access was declared" if grant is None else "no purpose was declared"
        roles = grant.roles if grant is not None else ()
        return NoAccess(f"{refused}: {why}.", hint=_declare_one(decision, grant), columns=columns, roles=roles)
    comma = "," if ", and " in refused else ""
    message = f"{refused}{comma} for {_all_of([cut(p) for p in grant.purposes])}{_as_whom(grant)}."
    hint = _way_out(decision, grant)
    return PurposeDenied(message, hint=hint, columns=columns, purpose=grant.purposes, roles=grant.roles)


def _refused(denials: Iterable[Denial]) -> str:
    """What is refused, e.g. ``customers.birthday (birthday) may not be read``; columns refused alike stand together."""
    verbs: dict[str, list[str]] = {}
    for denial in denials:
        verbs.setdefault(_what(denial), []).append(_DONE[denial.verb])
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, done in verbs.items():
        alike.setdefault(tuple(done), []).append(name)
    return ", and ".join(f"{_all_of(names)} may not be {' or '.join(done)}" for done, names in alike.items())


def _what(denial: Denial) -> str:
    return f"rows of {denial.column}" if denial.verb == "delete" else f"{denial.column} ({denial.category})"


def _as_whom(grant: Grant) -> str:
    whom = _whom(grant)
    return f" as {whom}" if whom else ""


def _whom(grant: Grant) -> str:
    if grant.system is not None:
        return f"system {cut(grant.system)}"
    if not grant.roles:
        return ""
    return f"{'role' if len(grant.roles) == 1 else 'roles'} {_all_of([cut(role) for role in grant.roles])}"


def _declare_one(decision: Decision, grant: Grant | None) -> str:
    """The next step where no purpose was declared."""
    known = any(denial.open_for for denial in decision.denials)
    if known and not all(denial.open_for for denial in decision.denials):
        return _shut(decision.denials)
    which = _open(decision.denials) if known else ""
    common = _common(decision.denials)
    purpose = cut(common[0]) if len(common) == 1 else "..."
    role = ", role=..." if grant is None else ""
    return f"{which}Declare what it is for: privacy.access(purpose={purpose}{role})."


def _way_out(decision: Decision, grant: Grant) -> str:
    """The next step where the declared purposes do not open something."""
    denials = decision.denials
    if not all(denial.open_for for denial in denials):
        return _shut(denials)
    acting = may_act_for(grant.policy, grant.roles, grant.system)
    chosen = _chosen(decision, grant, acting)
    common = _common(denials)
    kept = () if chosen[0] in decision.alone else tuple(p for p in grant.purposes if p not in chosen)
    declared = (*kept, *chosen)  # what is covered already has to stay so
    several = len(common) > 1
    declare = f"Declare {'the one it is for, e.g. ' if several else ''}{_access(declared, grant)}"
    hint = f"{_open(denials)}{declare}{_or_leave_out(denials)}"
    if all(purpose in acting for purpose in chosen):
        return hint
    return f"{hint} {_not_in_this_role(grant, common or chosen)}"


def _common(denials: Collection[Denial]) -> tuple[str, ...]:
    """The purposes that each open everything refused."""
    opening = [frozenset(denial.open_for) for denial in denials]
    return tuple(sorted(frozenset.intersection(*opening))) if opening else ()


def _chosen(decision: Decision, grant: Grant, acting: Collection[str]) -> tuple[str, ...]:
    """Few purposes that together open everything refused: rather such as may be acted for, that reach more than one's
    own rows, and that suffice by themselves.
    """
    wanted = [frozenset(denial.open_for) for denial in decision.denials]
    chosen: list[str] = []

    def order(name: str) -> tuple[int, bool, bool, bool, str]:
        opened = sum(name in opening for opening in wanted)
        own = grant.policy.purposes[name].rows == "own"
        return -opened, name not in acting, own, name not in decision.alone, name

    while wanted:
        best = min(frozenset[str]().union(*wanted), key=order)
        chosen.append(best)
        wanted = [opening for opening in wanted if best not in opening]
    return tuple(chosen)


def _open(denials: Collection[Denial]) -> str:
    """Which purposes open what was refused."""
    common = _common(denials)
    if common:
        return f"open for: {listing(common)}. "
    alike: dict[tuple[str, ...], dict[str, None]] = {}
    for denial in denials:
        alike.setdefault(denial.open_for, {})[denial.column] = None
    parts = [f"{_all_of(list(names))} for {listing(purposes)}" for purposes, names in alike.items()]
    return f"open: {'; '.join(parts)}. "


def _access(purposes: Collection[str], grant: Grant) -> str:
    quoted = [cut(name) for name in purposes]
    purpose = quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"
    own = any(grant.policy.purposes[name].rows == "own" for name in purposes)
    return f"privacy.access(purpose={purpose}{', subject=...' if own else ''})"


def _or_leave_out(denials: Iterable[Denial]) -> str:
    columns = _columns(denials)
    return f", or leave {columns} out of the query." if columns else "."


def _columns(denials: Iterable[Denial]) -> str:
    names = {denial.column for denial in denials if denial.verb != "delete"}
    return ("the column" if len(names) == 1 else "the columns") if names else ""


def _shut(denials: Collection[Denial]) -> str:
    """The next step where no purpose opens something."""
    shut = [denial for denial in denials if not denial.open_for]
    what = "it"
    if len(shut) < len(denials):
        what = _all_of([f"{_DOING[denial.verb]} {_what(denial)}" for denial in shut])
    columns = _columns(shut)
    leave = f"Leave {columns} out of the query, or have" if columns else "Have"
    return f"no purpose of the policy allows {what}. {leave} the policy say what for."


def _not_in_this_role(grant: Grant, purposes: Collection[str]) -> str:
    """That the next step is not for this role to take, and whose it is."""
    if len(purposes) > 1:
        return f"{_nor(grant, 'all of these' if _any_may(grant, purposes) else 'any of these')}."
    (purpose,) = purposes
    able = sorted(role.name for role in grant.policy.roles.values() if purpose in role.purposes)
    others = f"; {listing(able)} may" if able and grant.system is None else ""
    return f"{_nor(grant, cut(purpose))}{others}."


def _any_may(grant: Grant, purposes: Collection[str]) -> bool:
    return not may_act_for(grant.policy, grant.roles, grant.system).isdisjoint(purposes)


def _nor(grant: Grant, what: str) -> str:
    whom = _whom(grant)
    if not whom:
        return f"Without a role nobody may act for {what}"
    return f"{whom[0].upper()}{whom[1:]} may not act for {what}"


def _all_of(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``, or the first few ``and 7 more``."""
    if len(names) > _TOLD:
        return f"{', '.join(names[:_TOLD])} and {len(names) - _TOLD} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
