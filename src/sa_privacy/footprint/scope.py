"""Where a name in a query may come from: sources, the columns they offer, and the levels of nested queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

from sa_privacy.columns.catalogue import PersonalColumn, PersonalTable
from sa_privacy.footprint.lexer import Dialect, fold
from sa_privacy.footprint.names import Index

__all__ = ["EMPTY", "NOTHING_OUT", "Cte", "Hit", "Node", "Out", "Rows", "Scope", "Source", "merged"]

EMPTY: Final[frozenset[str]] = frozenset()
Node = tuple[tuple[int, ...], str]
"""A column of one mention: the sources it is passed through, outermost first, and its lower-case name."""

_SYSTEM_COLUMNS: Final[dict[str, frozenset[str]]] = {
    "postgresql": frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}),
    "sqlite": frozenset(),
}
_ROW_IDS: Final = frozenset({"rowid", "oid", "_rowid_"})


@dataclass(frozen=True, slots=True)
class Out:
    """A value: what personal columns it is made of.

    :param lineage: the personal columns whose values it is made of.
    :param pending: those that stand in it as they are. They count as *inside* once an expression takes the value.
    :param bare: the one catalogue column, personal or not, that the value is.
    :param node: the very column of a mention that the value is, where that is one.
    :param new: it is the value that INSERT has just offered for a column (``excluded.x``).
    :param binds: where it is a bound value, the bind in each row.
    """

    name: str | None = None
    lineage: frozenset[str] = EMPTY
    pending: frozenset[str] = EMPTY
    bare: str | None = None
    node: Node | None = None
    new: bool = False
    binds: tuple[str | int, ...] = ()


NOTHING_OUT: Final = Out()


def merged(outs: Iterable[Out]) -> Out:
    """One value that may be any of these."""
    several = tuple(outs)
    if len(several) == 1:
        return several[0]
    return Out(
        lineage=EMPTY.union(*(out.lineage for out in several)), pending=EMPTY.union(*(out.pending for out in several))
    )


@dataclass(frozen=True, slots=True)
class Hit:
    """A column found in a source; ``sure`` if the database finds it there as well and looks no further."""

    out: Out
    sure: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query returns.

    :param exact: the positions and names of ``outs`` are those of the database.
    :param spill: personal columns that may stand in further columns, whose names are not known.
    """

    outs: tuple[Out, ...] = ()
    exact: bool = True
    spill: frozenset[str] = EMPTY

    @property
    def all(self) -> Out:
        return merged((*self.outs, Out(lineage=self.spill, pending=self.spill)))

    def renamed(self, names: Sequence[str]) -> Rows:
        """The rows under an alias list."""
        if not names:
            return self
        if not self.exact or len(names) > len(self.outs):
            everything = self.all
            return Rows(tuple(replace(everything, name=name) for name in names), False, everything.lineage)
        outs = [replace(out, name=name) for out, name in zip(self.outs, names, strict=False)]
        return replace(self, outs=(*outs, *self.outs[len(names) :]))


@dataclass(slots=True, eq=False)
class Cte:
    """A WITH query, judged when it is first needed."""

    name: str
    query: Any
    columns: tuple[str, ...]
    scope: Scope | None = None
    rows: Rows | None = None
    partial: Rows = field(default_factory=lambda: Rows(exact=False))
    busy: bool = False
    recursive: bool = False
    used: bool = False


@dataclass(slots=True, eq=False)
class Source:
    """One entry of a FROM clause, or the target of a statement.

    :param alias: the name that columns are qualified with, as folded.
    :param tables: the catalogue's tables it may be (several: cannot tell them apart).
    :param ask: what the database says of the names of its real columns.
    :param rows: for derived tables, views and functions, the columns it offers; None for a table.
    :param renamed: it has a column alias list, so that columns of a table cannot be told by name.
    :param written: it stands for the row being written (``excluded``), not for a stored one.
    :param hidden: its columns are reached by qualified names only.
    :param table_name: the name of the table, where it has no alias.
    :param key: tells sources apart, also those that are gone.
    """

    index: Index
    dialect: Dialect
    alias: str
    tables: tuple[PersonalTable, ...] = ()
    ask: Callable[[], tuple[str, ...] | None] | None = None
    rows: Rows | None = None
    renamed: bool = False
    written: bool = False
    hidden: bool = False
    table_name: str = ""
    key: int = field(default_factory=count().__next__)

    @property
    def known(self) -> tuple[str, ...] | None:
        """The real columns as the database compares them, or None where it could not be asked."""
        names = self.ask() if self.ask is not None else None
        return None if names is None else tuple(fold(name, self.dialect, quoted=True) for name in names)

    @property
    def personal(self) -> frozenset[str]:
        """All personal columns it can show."""
        return self.index.whole(self.tables) if self.rows is None else self.rows.all.lineage

    @property
    def sealed(self) -> tuple[PersonalColumn, ...]:
        """The sealed columns of its tables."""
        return tuple(column for table in self.tables for column in table.columns.values() if column.sealed)

    def column(self, name: str) -> Hit | None:
        """The column of this name, or None where there is none."""
        if self.rows is not None:
            return self._derived(self.rows, name)
        if self.renamed:
            return Hit(Out(name, self.personal, self.personal), False)
        outs = [out for table in self.tables if (out := self._stored(table, name)) is not None]
        if outs:
            sure = any(self.index.sure(table, name, self.dialect) for table in self.tables)
            return Hit(replace(merged(outs), name=name), sure)
        if name in _SYSTEM_COLUMNS[self.dialect]:
            return Hit(Out(name), True)
        known = self.known
        if known is not None and name in known:
            return Hit(self._unmapped(name), True)
        if self.dialect == "sqlite" and name in _ROW_IDS:
            return Hit(Out(name, self._row_id(), self._row_id()), True)
        return Hit(Out(name), False) if known is None and not self.tables else None

    def _unmapped(self, name: str) -> Out:
        """A column that only the database knows: it may be generated from any of the table's, or filled by a trigger."""
        return Out(name, self.index.whole(self.tables))

    def _stored(self, table: PersonalTable, name: str) -> Out | None:
        personal = self.index.personal(table, name)
        if personal is not None:
            lineage = frozenset({personal.name})
            return Out(name, lineage, lineage, personal.name, ((self.key,), name.lower()))
        if self.index.spelling(table, name) is None:
            return None
        return Out(name, bare=self.index.full(table, name), node=((self.key,), name.lower()))

    def _row_id(self) -> frozenset[str]:
        # An INTEGER PRIMARY KEY is the row id under another name; a sealed column cannot be one.
        return frozenset(c.name for table in self.tables for c in table.columns.values() if not c.sealed)

    def _derived(self, rows: Rows, name: str) -> Hit | None:
        found = [out for out in rows.outs if out.name == name]
        if found:
            return Hit(self._through(merged(found), name), True)
        found = [out for out in rows.outs if out.name is not None and out.name.lower() == name.lower()]
        if found:
            return Hit(self._through(merged(found), name), False)
        unnamed = EMPTY.union(*(out.lineage for out in rows.outs if out.name is None), rows.spill)
        if unnamed or not rows.exact or any(out.name is None for out in rows.outs):
            return Hit(Out(name, unnamed, unnamed), False)
        return None

    def _through(self, out: Out, name: str) -> Out:
        node = ((self.key, *out.node[0]), out.node[1]) if out.node else None
        return replace(out, name=name, node=node)

    def star(self) -> Rows:
        """All its columns."""
        if self.rows is not None:
            outs = tuple(self._through(out, out.name) if out.name else out for out in self.rows.outs)
            return replace(self.rows, outs=outs)
        if self.renamed or len(self.tables) > 1:
            return Rows(exact=False, spill=self.personal)
        known = self.known
        if not self.tables:
            return Rows(tuple(Out(name) for name in known or ()), known is not None)
        table = self.tables[0]
        names = known or tuple(fold(name, self.dialect, quoted=True) for name in table.all_columns)
        there = {name.lower() for name in names}
        missing = [c.column for c in table.columns.values() if c.column.lower() not in there]
        outs = tuple(self._stored(table, name) or self._unmapped(name) for name in (*names, *missing))
        return Rows(outs, known is not None and not missing)


@dataclass(slots=True, eq=False)
class Scope:
    """One level of a query: its sources, its output names, and the level around it.

    :param merged: a USING or NATURAL join has made columns of one name one.
    :param groups: its rows are made of several rows each, of aggregates or groups.
    :param mixes: its rows hold values of other rows, whatever they are grouped by: of window functions, or of what a
        function that is only declared does.
    """

    dialect: Dialect
    parent: Scope | None = None
    ctes: dict[str, Cte] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    outs: tuple[Out, ...] = ()
    merged: bool = False
    groups: bool = False
    mixes: bool = False

    def qualified(self, table: str, schema: str | None) -> Iterator[list[Source]]:
        """The sources that a qualified name may mean, level by level, the innermost first."""
        level: Scope | None = self
        while level is not None:
            found = [s for s in level.sources if s.alias == table and (schema is None or s.table_name == table)]
            if found:
                yield found
            level = level.parent

    def named(self, table: str, schema: str | None = None) -> list[Source]:
        """The sources that a name of a whole row means: those of the innermost level that has any."""
        return next(self.qualified(table, schema), [])

    def unqualified(self, name: str) -> tuple[list[Out], bool]:
        """What a bare column name may mean, innermost level first, and whether that is sure."""
        outs: list[Out] = []
        level: Scope | None = self
        while level is not None:
            hits = [hit for source in level.sources if not source.hidden and (hit := source.column(name)) is not None]
            outs += [hit.out for hit in hits]
            named = [out for out in level.outs if out.name == name]
            outs += named
            if (named and self.dialect == "sqlite") or any(hit.sure for hit in hits):
                return outs, True
            level = level.parent
        return outs, False
