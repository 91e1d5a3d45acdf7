"""What one account did: for which purposes, on which tables, about how many people."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.questions.people import People
from sa_privacy.accesslog.questions.statements import Part, columns_of, steps, untold
from sa_privacy.accesslog.unbounded import tables_of
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["By", "Group", "by"]


@dataclass(slots=True, kw_only=True)
class Group:
    """What was done on one table for the same purposes, in the same roles.

    :ivar table: None: an access that was refused on entry, before any table was touched.
    :ivar columns: of what was let through.
    :ivar refused_columns: of what was refused: nothing of them was handed over then.
    :ivar break_glass: under a break-glass access.
    :ivar statements: how many were let through.
    :ivar uses: how often values in memory were used.
    :ivar refused: how many statements, uses and entries were refused.
    :ivar would_refuse: how many were not covered and ran, as their tables are only observed.
    :ivar unfinished: how many began and are not known to have ended.
    :ivar unbounded: of how many nobody can tell whose data it was.
    :ivar rows: handed over or changed.
    :ivar people: how many are named.
    """

    purposes: tuple[str, ...]
    roles: tuple[str, ...]
    table: str | None
    maintenance: bool
    break_glass: bool
    columns: set[str] = field(default_factory=set)
    refused_columns: set[str] = field(default_factory=set)
    deleted: bool = False
    statements: int = 0
    uses: int = 0
    refused: int = 0
    would_refuse: int = 0
    unfinished: int = 0
    unbounded: int = 0
    rows: int = 0
    cells: int = 0
    people: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, part: Part, event: Event, *, first: bool) -> None:
        """Takes in one event."""
        self.first = event.at if self.first is None else min(self.first, event.at)
        self.last = event.at if self.last is None else max(self.last, event.at)
        mine = [name for name in columns_of(event) if name.rpartition(".")[0] == self.table]
        if part is Part.REFUSED:
            self.refused += first
            self.refused_columns.update(mine)
            return
        self.columns.update(mine)
        self.deleted |= self.table in event.deletes
        self.would_refuse += first and event.decision == "would_deny"
        if part is Part.UNFINISHED:
            self.unfinished += 1
        elif part is Part.USED:
            self.uses += 1
            self.unbounded += untold(event)
        else:
            self.statements += first
        if part is Part.ENDED:
            self.rows += event.rows or 0
            self.unbounded += untold(event)
            if isinstance(event.cells, dict):
                self.cells += sum(event.cells.get(name, 0) for name in mine)


class By(NamedTuple):
    """What one account did.

    :ivar groups: those with most people first.
    :ivar people: how many people are named, each counted once.
    """

    actor: str
    groups: tuple[Group, ...]
    people: int


def by(
    source: Source,
    actor: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    table: str | None = None,
) -> By:
    """What an account did; in memory for the people named.

    :param actor: as the application named it: ``"staff:17"``.
    :raises LogUnavailable: the source cannot be read.
    """
    groups: dict[tuple[object, ...], tuple[int, Group]] = {}
    people = People()
    for part, event, first in steps(source, Wanted(actor=actor, since=since, until=until, table=table)):
        touched = tables_of(event)
        for name in touched or (None,):
            if table is not None and name != table:
                continue
            key = (tuple(event.purpose), tuple(event.roles), name, event.maintenance, event.break_glass)
            number, group = groups.setdefault(
                key,
                (
                    len(groups),
                    Group(
                        purposes=key[0],
                        roles=key[1],
                        table=name,
                        maintenance=event.maintenance,
                        break_glass=event.break_glass,
                    ),
                ),
            )
            group.add(part, event, first=first)
            if part in (Part.ENDED, Part.USED) and event.subjects:
                people.add(event.subjects, 1 << number)
    for number, group in groups.values():
        group.people = people.count(1 << number)
    found = sorted(
        (group for _, group in groups.values()), key=lambda one: (-one.people, -one.statements, one.table or "")
    )
    return By(actor, tuple(found), len(people))
