"""Whom a breach concerns: people, columns and categories, and whether these were sealed at the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, TypeVar

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.questions.contexts import Contexts
from sa_privacy.accesslog.questions.people import People
from sa_privacy.accesslog.questions.statements import Part, columns_of, statement_of, steps, untold
from sa_privacy.accesslog.questions.uses import last_erased
from sa_privacy.accesslog.wanted import Source, Wanted

__all__ = ["Breach", "CategoryTouched", "ColumnTouched", "Sealed", "breach"]

Key = TypeVar("Key")
Sealed = Literal["always", "never", "partly", "unknown"]
"""Whether a column was sealed whenever it was touched. Of "unknown", no writer said; "partly" may hold unknown times too."""


@dataclass(slots=True, kw_only=True)
class ColumnTouched:
    """What was done with one column.

    :ivar category: what it holds; None where neither the log nor the caller says.
    :ivar read, matched, written: rows of the statements that read it, matched by it, wrote it.
    :ivar statements: statements and uses, whatever they did with it.
    :ivar cells: sealed cells that were opened.
    :ivar people: how many of the people named are concerned.
    :ivar unbounded: outcomes and uses of which nobody can tell whose data they were: there may be more people.
    :ivar keys: ids of the keys at hand when it was touched while sealed.
    """

    column: str
    category: str | None = None
    statements: int = 0
    read: int = 0
    matched: int = 0
    written: int = 0
    cells: int = 0
    people: int = 0
    unbounded: int = 0
    keys: set[str] = field(default_factory=set)
    when_sealed: int = 0
    when_open: int = 0
    when_unknown: int = 0

    @property
    def sealed(self) -> Sealed:
        """Whether it was sealed whenever it was touched."""
        if self.when_open:
            return "partly" if self.when_sealed else "never"
        if self.when_unknown:
            return "partly" if self.when_sealed else "unknown"
        return "always"


class CategoryTouched(NamedTuple):
    """The columns of one category together.

    :ivar people: how many of the people named are concerned, each counted once.
    :ivar perhaps_more: of some of it nobody can tell whose it was.
    """

    category: str | None
    columns: tuple[str, ...]
    people: int
    cells: int
    perhaps_more: bool


class Breach(NamedTuple):
    """What was touched between two moments.

    :ivar people: how many people the events name, each counted once.
    :ivar pseudonyms: of these people, in memory; :meth:`found` says which of some candidates they are.
    :ivar erased: those of the pseudonyms whose people were erased since. Keys come back: whoever has the name now may be another
        person, whom none of it concerns.
    :ivar unbounded: statements and uses of which nobody can tell whose data they were: there may be more people.
    :ivar unbounded_rows: the rows of these.
    :ivar unfinished: statements that began and are not known to have ended: of these no rows were handed over, but some
        may have been changed or deleted.
    :ivar unfinished_people: people whom only unfinished statements name; not among `people`.
    :ivar deleted: rows deleted, by table.
    :ivar cells: sealed cells opened, with those that old events do not count by column.
    :ivar refused: statements and uses that were refused: nothing was handed over.
    :ivar first, last: the first and the last event that touched something.
    """

    since: datetime | None
    until: datetime | None
    actor: str | None
    table: str | None
    people: int
    pseudonyms: People
    erased: frozenset[str]
    columns: tuple[ColumnTouched, ...]
    categories: tuple[CategoryTouched, ...]
    deleted: Counter[str]
    statements: int
    uses: int
    rows: int
    cells: int
    unbounded: int
    unbounded_rows: int
    unfinished: int
    unfinished_people: int
    refused: int
    actors: Counter[str | None]
    purposes: Counter[str]
    break_glass: int
    first: datetime | None
    last: datetime | None

    @property
    def sealed(self) -> Sealed:
        """Whether every column was sealed whenever it was touched."""
        states = {column.sealed for column in self.columns}
        if not states or states == {"unknown"}:
            return "unknown"
        return states.pop() if len(states) == 1 else "partly"

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids of the keys at hand when sealed columns were touched."""
        return tuple(sorted(set[str]().union(*(column.keys for column in self.columns))))

    def found(self, candidates: Iterable[tuple[str, Key]]) -> Iterator[Key]:
        """The keys of the people found, for whom the application tries out those it knows.

        Those who were erased since are left out.

        :param candidates: pseudonym and key: ``((pseudonyms.of("customer", key), key) for key in keys)``.
        """
        wanted = ((name, key) for name, key in candidates if name not in self.erased)
        return (key for name, key in wanted if name in self.pseudonyms)


def breach(
    source: Source,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    actor: str | None = None,
    table: str | None = None,
    categories: dict[str, str] | None = None,
) -> Breach:
    """Whose data was touched between two moments, by an account, on a table; in memory for the people found.

    :param since: the first moment, aware.
    :param until: the moment after the last one, aware.
    :param table: only the columns of this table count, as far as events tell rows apart: a statement over two tables counts
        with all its rows.
    :param categories: what columns hold, where the log does not say so (logs of before its format 2).
    :raises LogUnavailable: the source cannot be read.
    """
    return _Count(source, since, until, actor, table, categories or {}).result()


class _Count:
    def __init__(
        self,
        source: Source,
        since: datetime | None,
        until: datetime | None,
        actor: str | None,
        table: str | None,
        categories: dict[str, str],
    ) -> None:
        self._source = source
        self._asked = (since, until, actor, table)
        self._table = table
        self._steps = steps(source, Wanted(since=since, until=until, actor=actor, table=table))
        self._contexts = Contexts(source, since=since, until=until)
        self._known = categories
        self._people, self._perhaps = People(), set[str]()
        self._columns: dict[str, tuple[int, ColumnTouched]] = {}
        self._deleted: Counter[str] = Counter()
        self._actors: Counter[str | None] = Counter()
        self._purposes: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._unbounded_of = ("", -1)

    def result(self) -> Breach:
        for part, event, first in self._steps:
            if part is Part.REFUSED:
                self._counts["refused"] += 1
                continue
            if part is Part.UNFINISHED:
                self._counts["unfinished"] += 1
                self._perhaps.update(event.subjects or ())
                continue
            if first:
                self._counts["uses" if part is Part.USED else "statements"] += 1
                self._actors[event.actor] += 1
                self._purposes.update(event.purpose)
                self._counts["break_glass"] += event.break_glass
            bits = self._touch(part, event, first=first)
            if part is not Part.BEGUN:
                self._hand_over(event, bits)
        return self._made()

    def _touch(self, part: Part, event: Event, *, first: bool) -> int:
        """Notes the columns; returns their bits."""
        self._first = event.at if self._first is None else min(self._first, event.at)
        self._last = event.at if self._last is None else max(self._last, event.at)
        context = self._contexts.at(event.writer, event.seq) if first else None
        rows = event.rows or 0 if part is Part.ENDED else 0
        cells = event.cells if isinstance(event.cells, dict) else {}
        bits = 0
        for name in columns_of(event):
            if self._table is not None and name.rpartition(".")[0] != self._table:
                continue
            number, column = self._columns.get(name) or self._new(name)
            bits |= 1 << number
            if first:
                column.statements += 1
                if context is None:
                    column.when_unknown += 1
                elif name in context.sealed:
                    column.when_sealed += 1
                    column.keys.update(context.keys)
                else:
                    column.when_open += 1
                if column.category is None:
                    said = context.categories.get(name) if context is not None else None
                    column.category = said or event.categories.get(name) or self._known.get(name)
            if rows:
                column.read += rows if name in event.reads else 0
                column.matched += rows if name in event.matches else 0
                column.written += rows if name in event.writes else 0
            column.cells += cells.get(name, 0)
        for table in event.deletes:
            self._deleted[table] += rows
        return bits

    def _new(self, name: str) -> tuple[int, ColumnTouched]:
        made = self._columns[name] = (len(self._columns), ColumnTouched(column=name))
        return made

    def _hand_over(self, event: Event, bits: int) -> None:
        rows = event.rows or 0
        self._counts["rows"] += rows
        if event.cells is not None:
            self._counts["cells"] += sum(event.cells.values()) if isinstance(event.cells, dict) else event.cells
        if event.subjects:
            self._people.add(event.subjects, bits)
        if untold(event):
            name = statement_of(event)
            self._counts["unbounded"] += name != self._unbounded_of
            self._unbounded_of = name
            self._counts["unbounded_rows"] += rows
            for column in filter(None, map(self._columns.get, columns_of(event))):
                column[1].unbounded += 1

    def _erased(self) -> Iterator[str]:
        """Those of the people who were erased after they were touched first."""
        events: dict[str, list[Event]] = {}
        if self._first is not None and len(self._people):
            for event in self._source.find(Wanted(since=self._first, kinds=frozenset({"erased"}))):
                for name in event.subjects or ():
                    if name in self._people:
                        events.setdefault(name, []).append(event)
        return (name for name, some in events.items() if last_erased(some) is not None)

    def _made(self) -> Breach:
        by_category: dict[str | None, list[tuple[int, ColumnTouched]]] = {}
        for number, column in self._columns.values():
            column.people = self._people.count(1 << number)
            by_category.setdefault(column.category, []).append((number, column))
        categories = [
            CategoryTouched(
                category,
                tuple(sorted(column.column for _, column in columns)),
                self._people.count(sum(1 << number for number, _ in columns)),
                sum(column.cells for _, column in columns),
                any(column.unbounded for _, column in columns),
            )
            for category, columns in by_category.items()
        ]
        since, until, actor, table = self._asked
        counts = self._counts
        return Breach(
            since=since,
            until=until,
            actor=actor,
            table=table,
            people=len(self._people),
            pseudonyms=self._people,
            erased=frozenset(self._erased()),
            columns=tuple(sorted((column for _, column in self._columns.values()), key=lambda one: one.column)),
            categories=tuple(sorted(categories, key=lambda one: (-one.people, one.category or ""))),
            deleted=self._deleted,
            statements=counts["statements"],
            uses=counts["uses"],
            rows=counts["rows"],
            cells=counts["cells"],
            unbounded=counts["unbounded"],
            unbounded_rows=counts["unbounded_rows"],
            unfinished=counts["unfinished"],
            unfinished_people=sum(1 for one in self._perhaps if one not in self._people),
            refused=counts["refused"],
            actors=self._actors,
            purposes=self._purposes,
            break_glass=counts["break_glass"],
            first=self._first,
            last=self._last,
        )
