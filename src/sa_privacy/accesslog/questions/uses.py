"""Who used one person's data: when, for what, and what of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.questions.contexts import Contexts
from sa_privacy.accesslog.questions.statements import endings, statement_of, tables_of, untold
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["Unbounded", "UseOfData", "Who", "who"]

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

    def add(self, outcome: Event) -> None:
        """Takes in an outcome: there may be several, each with some of the rows."""
        self.state = "refused" if outcome.decision == "denied" else "done"
        if outcome.rows is not None:
            self.rows = (self.rows or 0) + outcome.rows
        if isinstance(outcome.cells, dict):
            self.cells.update(outcome.cells)
        self.people = max(self.people, len(outcome.subjects or ()))
        self.origin = self.origin or outcome.origin


@dataclass(slots=True)
class Unbounded:
    """Statements and uses of which nobody can tell whose data they were: they may have touched this person's.

    :ivar tables: the tables touched.
    """

    actor: str | None
    first: datetime
    last: datetime
    times: int = 0
    rows: int = 0
    tables: set[str] = field(default_factory=set)

    def add(self, event: Event, *, again: bool) -> None:
        """Takes in an outcome, or a use.

        :param again: it is one more outcome of the same statement.
        """
        self.times += not again
        self.rows += event.rows or 0
        self.tables.update(tables_of(event))
        if event.at < self.first:
            self.first = event.at
        elif event.at > self.last:
            self.last = event.at


class Who(NamedTuple):
    """Who used the data of one person.

    :ivar uses: in order of time.
    :ivar unbounded: by actor, the most first.
    """

    subject: str
    uses: tuple[UseOfData, ...]
    unbounded: tuple[Unbounded, ...]


def who(source: Source, subject: str, *, since: datetime | None = None, until: datetime | None = None) -> Who:
    """Who used the data of a person; in memory for the answer.

    :param subject: the person's pseudonym: ``keyring.pseudonym_key().of("customer", 42)``.
    :param since: the first moment, aware.
    :param until: the moment after the last one, aware.
    :raises LogUnavailable: the source cannot be read.
    """
    uses: dict[tuple[str, int], UseOfData] = {}
    pending: dict[tuple[str, int], Event] = {}
    others: dict[str | None, Unbounded] = {}
    counted = ("", -1)
    for event in source.find(Wanted(subject=subject, unbounded=True, since=since, until=until)):
        name = statement_of(event)
        if subject not in (event.subjects or ()):
            if event.kind in ("outcome", "use") and event.decision != "denied" and untold(event):
                if (other := others.get(event.actor)) is None:
                    other = others[event.actor] = Unbounded(event.actor, event.at, event.at)
                other.add(event, again=name == counted)
                counted = name
        elif event.kind == "outcome":
            uses.setdefault(name, _use(event)).add(event)
            pending.pop(name, None)
        elif event.kind in ("intent", "use"):
            uses[name] = _use(event)
            if event.kind == "intent" and event.decision != "denied":
                pending[name] = event
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
        tuple(sorted(others.values(), key=lambda one: (-one.times, one.actor or ""))),
    )


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
    )
