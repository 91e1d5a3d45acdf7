"""A refusal in words: what, what for, as whom, and the next step. Never a value."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sa_privacy.errors import AccessDenied, NoAccess, PurposeDenied
from sa_privacy.policy.decide import Decision, Denial
from sa_privacy.policy.faults import cut, listing
from sa_privacy.policy.grant import Grant, in_emergency, may_act_for

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
    if grant is not None and grant.everything:
        return PurposeDenied(
            f"{refused}, under maintenance either: the library's own tables are written by what they record.",
            hint="privacy.staff, privacy.consents, privacy.requests and privacy.disclose write them.",
            columns=columns,
            purpose=grant.purposes,
            roles=grant.roles,
        )
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
    denials = decision.denials
    known = any(denial.open_for for denial in denials)
    if known and not all(denial.open_for for denial in denials):
        return _shut(denials)
    which = _open(denials) if known else ""
    possible = _common(denials)
    if known and grant is not None:
        acting = may_act_for(grant.policy, grant.roles, grant.system)
        if _beyond(denials, acting):
            return f"{which}{_not_in_this_role(grant, _beyond(denials, acting), denials)}"
        possible = tuple(purpose for purpose in possible if purpose in acting)
    purpose = cut(possible[0]) if len(possible) == 1 else "..."
    role = ", role=..." if grant is None else ""
    return f"{which}Declare what it is for: privacy.access(purpose={purpose}{role})."


def _way_out(decision: Decision, grant: Grant) -> str:
    """The next step where the declared purposes do not open something."""
    denials = decision.denials
    if not all(denial.open_for for denial in denials):
        return _shut(denials)
    acting = may_act_for(grant.policy, grant.roles, grant.system)
    beyond = _beyond(denials, acting)
    if beyond:
        return f"{_open(denials)}{_not_in_this_role(grant, beyond, denials)}"
    chosen = _chosen(decision, grant, acting)
    kept = () if chosen[0] in decision.alone else tuple(p for p in grant.purposes if p not in chosen)
    declared = (*kept, *chosen)  # what is covered already has to stay so
    which = "the one it is for, e.g. " if len(_common(denials)) > 1 else ""
    leave = _leave_out(denials)
    return f"{_open(denials)}Declare {which}{_access(declared, grant)}{f', or {leave}' if leave else ''}."


def _beyond(denials: Iterable[Denial], acting: Collection[str]) -> tuple[str, ...]:
    """The purposes that are lacked and may not be acted for; none where such as may be acted for are enough."""
    shut = [denial.open_for for denial in denials if not any(purpose in acting for purpose in denial.open_for)]
    return tuple(sorted(frozenset[str]().union(*shut)))


def _common(denials: Collection[Denial]) -> tuple[str, ...]:
    """The purposes that each open everything refused."""
    opening = [frozenset(denial.open_for) for denial in denials]
    return tuple(sorted(frozenset.intersection(*opening))) if opening else ()


def _chosen(decision: Decision, grant: Grant, acting: Collection[str]) -> tuple[str, ...]:
    """Few purposes that may be acted for and together open everything refused: rather such as reach more than one's own
    rows, and suffice by themselves.
    """
    wanted = [frozenset(denial.open_for) & frozenset(acting) for denial in decision.denials]
    chosen: list[str] = []

    def order(name: str) -> tuple[int, bool, bool, str]:
        opened = sum(name in opening for opening in wanted)
        own = grant.policy.purposes[name].rows == "own"
        return -opened, own, name not in decision.alone, name

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


def _leave_out(denials: Iterable[Denial]) -> str:
    """How to do without the columns; nothing where rows are deleted."""
    asked = [denial for denial in denials if denial.verb != "delete"]
    if not asked:
        return ""
    columns = "the column" if len({denial.column for denial in asked}) == 1 else "the columns"
    written = {denial.verb == "write" for denial in asked}
    how = "out" if len(written) > 1 else "unset" if True in written else "out of the query"
    return f"leave {columns} {how}"


def _shut(denials: Collection[Denial]) -> str:
    """The next step where no purpose opens something."""
    shut = [denial for denial in denials if not denial.open_for]
    what = "it"
    if len(shut) < len(denials):
        what = _all_of([f"{_DOING[denial.verb]} {_what(denial)}" for denial in shut])
    leave = _leave_out(shut)
    have = f"{_sentence(leave)}, or have" if leave else "Have"
    return f"no purpose of the policy allows {what}. {have} the policy say what for."


def _not_in_this_role(grant: Grant, purposes: Collection[str], denials: Collection[Denial]) -> str:
    """That the next step is not for this role to take, and whose it is."""
    able: list[str] = []
    what = _all_of([cut(purpose) for purpose in purposes], last="or")
    if len(purposes) == 1:
        able = sorted(role.name for role in grant.policy.roles.values() if role.purposes.issuperset(purposes))
    elif purposes == _common(denials):
        what = "any of these"
    others = f"; {listing(able)} may" if able and grant.system is None else ""
    leave = _leave_out(denials)
    way = f" {_sentence(leave)}." if leave else ""
    emergency = in_emergency(grant.policy, grant.roles) if grant.system is None else frozenset[str]()
    if all(emergency.intersection(denial.open_for) for denial in denials):
        way += " In an emergency: privacy.access(break_glass=True, reason=..., ticket=...)."
    return f"{_nor(grant, what)}{others}.{way}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _nor(grant: Grant, what: str) -> str:
    whom = _whom(grant)
    if not whom:
        return f"Without a role nobody may act for {what}"
    return f"{_sentence(whom)} may not act for {what}"


def _all_of(names: list[str], *, last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``, or the first few ``and 7 more``."""
    if len(names) > _TOLD:
        return f"{', '.join(names[:_TOLD])} {last} {len(names) - _TOLD} more"
    return f" {last} ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
