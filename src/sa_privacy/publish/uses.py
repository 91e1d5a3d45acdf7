"""What an application needs, by place: read out of the access log, mostly one that was written while observing.

An engine that observes loads entities whole, so what was read is more than what was needed. Needed is what would have been
refused (an attribute when somebody read it, a column that a statement names), and what the declared purposes covered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, get_args

from sa_privacy.accesslog import Event
from sa_privacy.policy import Policy
from sa_privacy.policy.table import is_name
from sa_privacy.publish.cover import Known, Need, NeedVerb, opens

__all__ = ["Need", "Place", "Report", "Under", "Use", "read_uses"]

_MEMBERS: Final[tuple[tuple[NeedVerb, str], ...]] = (
    ("read", "reads"),
    ("match", "matches"),
    ("write", "writes"),
    ("delete", "deletes"),
)
_SYSTEM: Final = "system:"


class Under(NamedTuple):
    """The access under which something was done, as far as the log tells it apart."""

    purposes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    system: str | None = None


@dataclass(slots=True)
class Use:
    """What was done at one place under one kind of access.

    :param times: statements, and values in memory that were judged.
    :param refused: how many of them were refused, or would have been.
    :param needs: what it needs of the policy.
    :param lacks: what of that was refused.
    :param obstacles: what was refused for other reasons than a purpose: ``"unreadable"``, ``"sealed customers.email"``,
        ``"rows of others"``, ``"enter SP-203"``.
    """

    under: Under
    times: int = 0
    refused: int = 0
    needs: set[Need] = field(default_factory=set)
    lacks: set[Need] = field(default_factory=set)
    obstacles: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Place:
    """One place of the application.

    :param route: what the application says that it served, e.g. ``"GET /orders"``.
    :param site: the call site, e.g. ``"shop/orders.py:42 in list_orders"``.
    :param rows: how many rows were handed over there.
    :param loaded: columns that came with entities and that nobody asked for.
    """

    route: str | None
    site: str | None
    rows: int = 0
    uses: dict[Under, Use] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)

    @property
    def times(self) -> int:
        """How often something personal was touched there."""
        return sum(use.times for use in self.uses.values())

    @property
    def refused(self) -> int:
        """How often that was refused, or would have been."""
        return sum(use.refused for use in self.uses.values())

    @property
    def needs(self) -> frozenset[Need]:
        """What it needs of the policy, under whatever access."""
        return frozenset[Need]().union(*(use.needs for use in self.uses.values()))

    @property
    def obstacles(self) -> frozenset[str]:
        """What was refused for other reasons than a purpose."""
        return frozenset[str]().union(*(use.obstacles for use in self.uses.values()))


@dataclass(frozen=True, slots=True)
class Report:
    """All places that touched personal data.

    :param events: how many events were read.
    :param known: what the columns hold, as far as the log or the policy tells.
    """

    events: int
    places: tuple[Place, ...]
    known: dict[str, Known]


def read_uses(events: Iterable[Event], policy: Policy) -> Report:
    """The places of a log, those with most refusals first.

    :param policy: the policy to measure by.
    """
    known = {name: Known(rule.category, rule.purposes) for name, rule in policy.columns.items()}
    places: dict[tuple[str | None, str | None], Place] = {}
    count = 0
    for event in events:
        count += 1
        for name, category in event.categories.items():
            only = event.narrowed.get(name)
            known[name] = Known(category, None if only is None else frozenset(only))
        # What an emergency took is no need of every day.
        if event.kind in ("intent", "use", "outcome") and not event.break_glass:
            place = places.setdefault((event.route, event.site), Place(event.route, event.site))
            if event.kind == "outcome":
                place.rows += event.rows or 0
            else:
                _add(place, event, policy, known)
    found = [place for place in places.values() if place.times]
    found.sort(key=lambda place: (-place.refused, -place.times, place.route or "", place.site or ""))
    return Report(count, tuple(found), known)


def _add(place: Place, event: Event, policy: Policy, known: dict[str, Known]) -> None:
    under = _under(event)
    use = place.uses.setdefault(under, Use(under))
    use.times += 1
    touched = {Need(verb, name) for verb, member in _MEMBERS for name in getattr(event, member)}
    lacks, obstacles = set[Need](), set[str]()
    for denial in event.denials:
        verb, _, name = denial.partition(" ")
        if name and verb in get_args(NeedVerb):
            lacks.add(Need(verb, name))  # type: ignore[arg-type]
        else:
            obstacles.add(denial)
    if event.decision in ("denied", "would_deny"):
        use.refused += 1
        use.lacks |= lacks
        use.obstacles |= obstacles
    whole = event.decision == "allowed" and not event.categories  # enforced: what was not covered was left out
    declared = [policy.purposes[name] for name in under.purposes if name in policy.purposes]
    covered = {need for need in touched if whole or any(opens(one, need, known) for one in declared)}
    use.needs |= lacks | covered
    place.loaded |= {need.name for need in touched - covered - lacks if need.verb == "read"}
    place.loaded -= {need.name for need in place.needs if need.verb == "read"}


def _under(event: Event) -> Under:
    actor, roles = event.actor or "", sorted(filter(is_name, event.roles))  # no policy could know another
    system = actor.removeprefix(_SYSTEM) if actor.startswith(_SYSTEM) and not roles else ""
    return Under(tuple(sorted(event.purpose)), tuple(roles), system if is_name(system) else None)
