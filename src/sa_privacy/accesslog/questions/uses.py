"""Who used one person's data: when, for what, and what of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.questions.contexts import Contexts
from sa_privacy.accesslog.questions.statements import endings, statement_of
from sa_privacy.accesslog.unbounded import Unbounded
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["Unbounded", "UseOfData", "Who", "last_erased", "who"]

State = Literal["done", "began", "refused"]


@dataclass(slots=True, kw_only=True)
class UseOfData:
    """One statement, or one use of values in memory, that named the person.

    :ivar state: ``"done"``; ``"began"``: not known to have ended, so no rows were handed over, but some may have been
        changed; ``"refused"``.
    :ivar memory: values that were in memory already, used under another access.
    :ivar would_refuse: it ran because its tables are only observed: the policy does not cover it.
    :ivar categories: what the columns hold, as far as the log says.
    :ivar rows: how many rows were handed over or changed, those of other people included. None: not known.
    :ivar cells: how many sealed cells were opened, by column.
    :ivar people: of how many people the same statement was.
    :ivar recipient: whom it was given to, and ``provision`` the id of the record of that.
    :ivar at: when it was first known to be about the person: before it ran, or when its rows were handed over.
    :ivar event: ``"writer:seq"`` of its intent, or of the use.
    """

    at: datetime
    event: str
    state: State
    memory: bool
    would_refuse: bool
    actor: str | None
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    reason: str | None
    ticket: str | None
    break_glass: bool
    maintenance: bool
    reads: tuple[str, ...]
    matches: tuple[str, ...]
    writes: tuple[str, ...]
    deletes: tuple[str, ...]
    denials: tuple[str, ...]
    categories: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    cells: Counter[str] = field(default_factory=Counter)
    people: int = 0
    request: str | None = None
    route: str | None = None
    site: str | None = None
    origin: str | None = None
    policy: str | None = None
    recipient: str | None = None
    provision: str | None = None

    def add(self, outcome: Event) -> None:
        """Takes in an outcome: there may be several, each with some of the rows."""
        self.state = "refused" if outcome.decision == "denied" else "done"
        if outcome.rows is not None:
            self.rows = (self.rows or 0) + outcome.rows
        if isinstance(outcome.cells, dict):
            self.cells.update(outcome.cells)
        self.people = max(self.people, len(outcome.subjects or ()))
        self.origin = self.origin or outcome.origin


class Who(NamedTuple):
    """Who used the data of one person.

    :ivar uses: in order of time.
    :ivar unbounded: what may have been this person's too, by actor, the most first.
    :ivar erased: when somebody of this name was last erased. What lies before was theirs, and is not told: keys come back, so
        that whoever has the name now may be another person.
    """

    subject: str
    uses: tuple[UseOfData, ...]
    unbounded: tuple[Unbounded, ...]
    erased: datetime | None = None


def who(source: Source, subject: str, *, since: datetime | None = None, until: datetime | None = None) -> Who:
    """Who used the data of a person; in memory for the answer.

    :param subject: the person's pseudonym: ``keyring.pseudonym_key().of("customer", 42)``.
    :param since: the first moment, aware.
    :param until: the moment after the last one, aware.
    :raises LogUnavailable: the source cannot be read.
    """
    uses: dict[tuple[str, int], UseOfData] = {}
    pending: dict[tuple[str, int], Event] = {}
    erasures: list[Event] = []
    for event in source.find(Wanted(subject=subject, since=since, until=until)):
        name = statement_of(event)
        if event.kind == "outcome":
            uses.setdefault(name, _use(event)).add(event)
            pending.pop(name, None)
        elif event.kind in ("intent", "use"):
            uses[name] = _use(event)
            if event.kind == "intent" and event.decision != "denied":
                pending[name] = event
        elif event.kind == "erased":
            erasures.append(event)
    erased = last_erased(erasures)
    if erased is not None:
        since = erased
        uses = {name: use for name, use in uses.items() if use.at > erased}
        pending = {name: event for name, event in pending.items() if name in uses}
    if pending:  # what ended later, or without a row of this person's
        for name, outcome in endings(source, pending).items():
            uses[name].add(outcome)
    if uses:
        contexts = Contexts(source, since=min(use.at for use in uses.values()), until=until)
        for (writer, seq), use in uses.items():
            context = contexts.at(writer, seq)
            if context is not None:
                names = dict.fromkeys((*use.reads, *use.matches, *use.writes))
                known = {one: context.categories[one] for one in names if one in context.categories}
                use.categories = {**known, **use.categories}
    return Who(
        subject,
        tuple(sorted(uses.values(), key=lambda use: (use.at, use.event))),
        source.unbounded(since=since, until=until, besides=subject),
        erased,
    )


def last_erased(events: Sequence[Event]) -> datetime | None:
    """When the last erasure was over; when it began, where nobody knows how it ended: it counts as done."""
    ended = {(one.writer, one.intent): one for one in events if one.intent is not None}
    began = [one for one in events if one.intent is None]
    undone = {name for name, one in ended.items() if one.decision == "denied"}
    counted = [ended.get((one.writer, one.seq), one) for one in began if (one.writer, one.seq) not in undone]
    counted += [
        one for one in ended.values() if one.decision == "allowed"
    ]  # its beginning is not among what was asked for
    return max((one.at for one in counted), default=None)


def _use(event: Event) -> UseOfData:
    return UseOfData(
        at=event.at,
        event="{}:{}".format(*statement_of(event)),
        state="refused" if event.decision == "denied" else "began" if event.kind == "intent" else "done",
        memory=event.kind == "use",
        would_refuse=event.decision == "would_deny",
        actor=event.actor,
        roles=tuple(event.roles),
        purposes=tuple(event.purpose),
        reason=event.reason,
        ticket=event.ticket,
        break_glass=event.break_glass,
        maintenance=event.maintenance,
        reads=tuple(event.reads),
        matches=tuple(event.matches),
        writes=tuple(event.writes),
        deletes=tuple(event.deletes),
        denials=tuple(event.denials),
        categories=event.categories,
        people=len(event.subjects or ()),
        request=event.request,
        route=event.route,
        site=event.site,
        origin=event.origin,
        policy=event.policy,
        recipient=event.recipient,
        provision=event.provision,
    )
