"""A draft of a policy that would refuse nothing of what a log has seen. For people to read; nothing puts it in force."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sa_privacy.policy import Policy, Request, Touch, decide, may_act_for
from sa_privacy.policy.writing import as_sections, as_toml
from sa_privacy.publish.cover import Need, covering, missing, touch
from sa_privacy.publish.uses import Place, Report, Use
from sa_privacy.publish.words import asked, clean, declare, where

__all__ = ["Draft", "Proposal", "draft_policy"]

_UNDECIDED: Final = "undecided"
_FUNCTION: Final = re.compile(r"(?P<file>[^/]*?)(?:\.\w+)?:\d+ in (?P<function>.*)$", re.DOTALL)
_NEEDED: Final = "rows of others"
_MAINTENANCE: Final = "or, if it is a migration or an import: privacy.access(maintenance=True, role=...), in a role with maintenance = true"
_WAYS_OUT: Final = {
    "unreadable": "the library cannot read the statement; say what it touches with privacy.declare(...)",
    "sealed": "the database cannot compute with sealed values: lookup= for equality, else work in Python or encrypt=False",
    "enter": "the access itself was refused; the policy knows no such purpose or role, or the role may not act for it",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one place would have to declare.

    :param purposes: for ``privacy.access(purpose=...)``.
    :param roles: who would act; where the log says none, roles that may.
    :param needs: what it needs of them.
    :param kind: ``"as now"``, ``"declare"`` (a purpose that is there), ``"widened"`` or ``"new"``.
    """

    place: Place
    use: Use
    purposes: tuple[str, ...]
    roles: tuple[str, ...]
    kind: str
    needs: frozenset[Need]

    def request(self, policy: Policy, known: Mapping[str, Any]) -> Request:
        """What the place needs, as the judge of the draft takes it.

        :raises AccessDenied: the policy does not allow purposes and roles together.
        """
        under = self.use.under
        grant = policy.grant(self.purposes, () if under.system else self.roles, system=under.system)
        touches: dict[str, list[Touch]] = {"read": [], "match": [], "write": []}
        for need in sorted(self.needs):
            if need.verb != "delete" and (found := touch(need, known)) is not None:
                touches[need.verb].append(found)
        return Request(
            grant=grant,
            reads=tuple(touches["read"]),
            matches=tuple(touches["match"]),
            writes=tuple(touches["write"]),
            deletes=tuple(sorted(need.name for need in self.needs if need.verb == "delete")),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft, and what became of each place.

    :param text: the TOML document, with comments that name the call sites.
    :param policy: what it means.
    :param proposals: for every kind of access at every place where something was, or would have been, refused.
    :param unsolved: what no policy can open, in words.
    """

    text: str
    policy: Policy
    proposals: tuple[Proposal, ...]
    unsolved: tuple[str, ...]


def draft_policy(policy: Policy, report: Report, source: str = "privacy.toml") -> Draft:
    """Drafts what the policy would have to say for what the report has seen.

    :param source: what to call the policy's own document.
    :raises PolicyError: never, unless this function is wrong: the draft is loaded before it is returned.
    """
    drafting = _Drafting(policy, report)
    for place in report.places:
        for use in place.uses.values():
            if use.refused:
                drafting.take(place, use)
    text = as_toml(drafting.sections, drafting.comments(source))
    drafted = Policy.loads(text, source="the draft")
    proposals = tuple(drafting.proposals)
    for proposal in proposals:
        decision = decide(proposal.request(drafted, report.known))
        if not decision.allowed or (decision.own and _NEEDED in proposal.use.obstacles):
            raise AssertionError(f"the draft would refuse what was seen at {where(proposal.place)}")
    return Draft(text, drafted, proposals, tuple(drafting.unsolved))


@dataclass
class _Purpose:
    """What a purpose of the draft gets beside what it has."""

    new: bool
    opened: set[Need] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


class _Drafting:
    def __init__(self, policy: Policy, report: Report) -> None:
        self._policy = policy
        self._known = report.known
        self._names: dict[str, str] = {}
        self._purposes: dict[str, _Purpose] = {}
        self._roles: dict[str, set[str]] = {}
        self.sections = as_sections(policy)
        self.proposals: list[Proposal] = []
        self.unsolved: list[str] = []

    # -- one place ------------------------------------------------------------------------------------------------

    def take(self, place: Place, use: Use) -> None:
        """Finds purposes for what one place needs under one kind of access, and makes or widens them."""
        self._leave_aside(place, use)
        needs = {need for need in use.needs if self._is_known(need)}
        unknown = sorted({need.name for need in use.needs - needs})
        if unknown:
            self.unsolved.append(f"{where(place)}: the policy does not say what {', '.join(unknown)} holds")
        if not use.lacks & needs and not (needs and _NEEDED in use.obstacles):
            return
        purposes, kind = self._purposes_for(place, use, needs)
        if purposes:
            roles = self._roles_for(use, purposes)
            self.proposals.append(Proposal(place, use, purposes, roles, kind, frozenset(needs)))

    def _is_known(self, need: Need) -> bool:
        if need.verb == "delete":
            return need.name.count(".") < 2  # a document names tables as "table" or "schema.table"
        column = self._known.get(need.name)
        return column is not None and column.category in self._policy.categories

    def _leave_aside(self, place: Place, use: Use) -> None:
        for obstacle in sorted(use.obstacles):
            way_out = _WAYS_OUT.get(obstacle.partition(" ")[0])
            if obstacle == _NEEDED and not use.needs:
                way_out = "whose a row is may not change under a purpose of one's own rows; do it for another"
            if way_out is not None:
                self.unsolved.append(f"{where(place)}: {obstacle}: {way_out}")

    def _purposes_for(self, place: Place, use: Use, needs: set[Need]) -> tuple[tuple[str, ...], str]:
        policy, under = self._policy, use.under
        declared = [n for n in under.purposes if n in policy.purposes and policy.purposes[n].rows == "all"]
        somebody = bool(under.roles or under.system)
        acting = may_act_for(policy, under.roles, under.system) if somebody else None
        # As the report does: rather let a role act for a purpose that is published than widen what is published.
        fitting = covering(policy, needs, self._known, acting) or covering(policy, needs, self._known)
        if fitting:
            return fitting[0], "declare"
        if declared:
            return self._widen(place, use, needs, declared), "widened"
        return self._widen(place, use, needs, [self._new_name(place)]), "new"

    def _widen(self, place: Place, use: Use, needs: set[Need], declared: list[str]) -> tuple[str, ...]:
        """Opens what is missing: in the first of the purposes, or in one that the column itself names.

        What cannot be opened is taken out of `needs`.
        """
        policy, chosen = self._policy, list(declared)
        there = [policy.purposes[name] for name in declared if name in policy.purposes]
        for need in missing(there, needs, self._known):
            column = self._known.get(need.name)
            only = None if column is None or need.verb == "delete" else column.only
            able = [n for n in chosen if only is None or n in only]
            if not able and only is not None:
                able = sorted(n for n in only if n in policy.purposes and policy.purposes[n].rows == "all")
            if not able:
                self.unsolved.append(f"{where(place)}: {need}: the column is narrowed to purposes of one's own rows")
                needs.discard(need)
                continue
            if able[0] not in chosen:
                chosen.append(able[0])
            purpose = self._purposes.setdefault(able[0], _Purpose(able[0] not in policy.purposes))
            purpose.opened.add(need)
        chosen = [name for name in chosen if name in policy.purposes or name in self._purposes]
        for name in chosen:
            if name in self._purposes:
                self._purposes[name].asked.append(asked(place, use))
        self._write_purposes(chosen)
        return tuple(chosen)

    def _write_purposes(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._purposes:
                continue
            document = self.sections.setdefault("purposes", {}).setdefault(name, {})
            used = document.pop("use", None)
            opened = {verb: set(document.get(verb, used or ())) for verb in ("read", "match", "write")}
            opened["delete"] = set(document.get("delete", ()))
            for need in self._purposes[name].opened:
                opened[need.verb].add(need.name if need.verb == "delete" else self._known[need.name].category)
            if opened["read"] and opened["read"] == opened["match"] == opened["write"]:
                opened["use"] = opened["read"]
                for verb in ("read", "match", "write"):
                    document.pop(verb, None)
                    del opened[verb]
            document |= {key: sorted(found) for key, found in opened.items() if found}

    def _new_name(self, place: Place) -> str:
        """The name of a new purpose: the route's, or the function's; the same for the same."""
        found = _FUNCTION.search(place.site or "")
        key, words = place.route, place.route or ""
        if key is None and found is not None:
            key = place.site[: place.site.rindex(":")] + found["function"] if place.site else ""
            function = found["function"].rpartition(".")[2]
            words = found["file"] if function.startswith("<") else function
        key = key or ""
        if key not in self._names:
            base = re.sub(r"\W+", "_", words).strip("_").lower() or "to_be_named"
            taken = {*self._policy.purposes, *self._names.values()}
            name = next(n for n in (base, *(f"{base}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)
            self._names[key] = name
        return self._names[key]

    # -- who acts -------------------------------------------------------------------------------------------------

    def _roles_for(self, use: Use, purposes: tuple[str, ...]) -> tuple[str, ...]:
        """Lets those act who were seen to; where nobody was, says who may."""
        under = use.under
        if under.system is not None:
            self._let("systems", under.system, purposes)
            return ()
        if not self._policy.roles:
            return under.roles
        if under.roles:
            # One of several roles is enough, so the first gets what none of them has.
            have = frozenset[str]().union(*(self._of_role(role) for role in under.roles))
            self._let("roles", under.roles[0], [name for name in purposes if name not in have])
            return tuple(role for role in under.roles if role in self.sections["roles"])
        able = sorted(role for role in self._policy.roles if self._of_role(role) >= set(purposes))
        if able:
            return (able[0],)
        self._let("roles", _UNDECIDED, purposes)
        return (_UNDECIDED,)

    def _of_role(self, role: str) -> frozenset[str]:
        return frozenset(self.sections.get("roles", {}).get(role, {}).get("purposes", ()))

    def _let(self, section: str, who: str, purposes: Collection[str]) -> None:
        document = self.sections.setdefault(section, {}).setdefault(who, {})
        before = set(document.get("purposes", ()))
        more = set(purposes) - before
        if more:
            document["purposes"] = sorted(before | more)
            self._roles.setdefault(f"{section}.{who}", set()).update(more)

    def _writes_whole_rows(self, proposal: Proposal) -> bool:
        """Whether it writes all that is known of a table, as migrations and imports do."""
        written = {need.name for need in proposal.needs if need.verb == "write"}
        tables = {name.rpartition(".")[0] for name in written}
        return any(
            len(columns) > 1 and written >= columns
            for columns in ({name for name in self._known if name.rpartition(".")[0] == table} for table in tables)
        )

    # -- in words -------------------------------------------------------------------------------------------------

    def comments(self, source: str) -> dict[tuple[str, ...], list[str]]:
        """What stands above the tables of the draft."""
        found: dict[tuple[str, ...], list[str]] = {("policy",): self._head(source)}
        for name, purpose in self._purposes.items():
            lines = ["NEW. Say what it is for: a title, and where the published policy says so."]
            if not purpose.new:
                lines = [f"WIDENED by: {', '.join(map(str, sorted(purpose.opened)))}."]
            found["purposes", name] = [*lines, *dict.fromkeys(purpose.asked)]
        for who, more in self._roles.items():
            section, _, name = who.partition(".")
            what = "NEW. Who is it?" if name == _UNDECIDED else "WIDENED."
            found[section, name] = [f"{what} May also act for: {', '.join(sorted(more))}."]
        return found

    def _head(self, source: str) -> list[str]:
        lines = [
            "A DRAFT, made by sa-privacy report from what an access log has seen. It is in force nowhere.",
            f"Read each change (NEW, WIDENED), compare it with {clean(source)}, whose own comments are not repeated",
            "here, and take over what your published policy says, or should say.",
        ]
        if not self.proposals:
            lines += ["", "Nothing was refused for want of a purpose: this is the policy as it stands."]
        else:
            lines += ["", "What to declare, and where:"]
        for proposal in self.proposals:
            lines += [
                f"  {asked(proposal.place, proposal.use)}",
                f"    {declare(proposal.use, proposal.purposes, proposal.roles)}",
            ]
            given = [name for name in proposal.use.under.purposes if name in self._policy.purposes]
            if proposal.kind == "declare" and given:
                lacks = ", ".join(map(str, sorted(proposal.use.lacks & proposal.needs)))
                lines.append(clean(f'    or widen "{given[0]}" by {lacks}'))
            if proposal.kind in ("widened", "new") and self._writes_whole_rows(proposal):
                lines.append(f"    {_MAINTENANCE}")
        if self.unsolved:
            lines += ["", "What no purpose opens:", *(f"  {clean(one)}" for one in dict.fromkeys(self.unsolved))]
        return lines
