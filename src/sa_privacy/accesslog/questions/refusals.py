"""What was refused, or would have been: to whom, what, where, how often."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.questions.statements import REFUSALS
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["Denied", "Refusal", "denied"]


@dataclass(slots=True, kw_only=True)
class Refusal:
    """What one account was refused at one place under the same access.

    :ivar decision: ``"denied"``, or ``"would_deny"`` where the tables are only observed.
    :ivar denials: what was refused, and how often: ``"read customers.birthday"``, ``"enter SP-203"``, ``"rows of others"``.
    :ivar site: the call site in the application.
    :ivar event: ``"writer:seq"`` of the last one.
    """

    actor: str | None
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    decision: str
    denials: Counter[str]
    route: str | None
    site: str | None
    times: int
    first: datetime
    last: datetime
    event: str


class Denied(NamedTuple):
    """All refusals, those of one place together, the latest first."""

    groups: tuple[Refusal, ...]
    denied: int
    would_deny: int


def denied(
    source: Source,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    actor: str | None = None,
    table: str | None = None,
) -> Denied:
    """The refusals of a log; in memory for the different ones.

    :raises LogUnavailable: the source cannot be read.
    """
    groups: dict[tuple[object, ...], Refusal] = {}
    refused = would = 0
    for event in source.find(Wanted(since=since, until=until, actor=actor, table=table, decisions=REFUSALS)):
        if event.kind == "outcome" and event.decision == "would_deny":
            continue  # its intent says so already
        if event.decision == "denied":
            refused += 1
        else:
            would += 1
        _add(groups, event)
    return Denied(tuple(sorted(groups.values(), key=lambda one: one.last, reverse=True)), refused, would)


def _add(groups: dict[tuple[object, ...], Refusal], event: Event) -> None:
    under = (event.actor, tuple(event.roles), tuple(event.purpose))
    key = (*under, event.decision, event.route, event.site)
    known, name = groups.get(key), f"{event.writer}:{event.seq}"
    if known is None:
        groups[key] = Refusal(
            actor=event.actor,
            roles=tuple(event.roles),
            purposes=tuple(event.purpose),
            decision=event.decision or "",
            denials=Counter(event.denials),
            route=event.route,
            site=event.site,
            times=1,
            first=event.at,
            last=event.at,
            event=name,
        )
        return
    known.times += 1
    known.denials.update(event.denials)
    known.first = min(known.first, event.at)
    if event.at >= known.last:
        known.last, known.event = event.at, name
