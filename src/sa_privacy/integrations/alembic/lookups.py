"""The two indexes of a lookup as one thing with one name: what a migration file says, and what a model has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sqlalchemy import Column, Index, LargeBinary, MetaData, Table, TextClause, text
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from sa_privacy.columns.indexes import lookup_indexes, slot_names
from sa_privacy.columns.lookup_key import LookupKey, SlotA, SlotB

__all__ = ["LookedUp", "LookupIndex", "Part", "lookup", "lookups_of"]

_SLOTS: Final[tuple[type[LookupKey], ...]] = (SlotA, SlotB)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """In an index: the lookup of a sealed column, and not the column. Made by :func:`lookup`."""

    column: str

    def __repr__(self) -> str:
        return f"lookup({self.column!r})"


def lookup(column: str) -> LookedUp:
    """Says in ``op.create_lookup_index`` that a column is sealed, and that its lookup is meant.

    :param column: its name in the database.
    """
    return LookedUp(column)


#: A lookup, a plain column by name, or SQL.
Part: TypeAlias = LookedUp | str | TextClause


@dataclass(frozen=True)
class LookupIndex:
    """Two indexes, one over each slot.

    :param name: of the first; the second is named after it.
    :param columns: what both are over, in order.
    :param options: of the dialects, as ``Index`` takes them.
    """

    name: str
    table: str
    columns: tuple[Part, ...]
    unique: bool = False
    schema: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called in the database."""
        return slot_names(self.name)

    @property
    def looked_up(self) -> tuple[str, ...]:
        """The sealed columns."""
        return tuple(part.column for part in self.columns if isinstance(part, LookedUp))

    def is_like(self, other: LookupIndex) -> bool:
        """Whether the other has the same columns, and is as unique. SQL in them is not compared: databases rewrite it."""
        return self.unique == other.unique and _comparable(self.columns) == _comparable(other.columns)

    def indexes(self) -> list[Index]:
        """Both, each on a table of its own that has nothing but their columns."""
        return [self.over(slot, name) for slot, name in enumerate(self.names)]

    def over(self, slot: int, name: str) -> Index:
        """The one over a slot, under any name."""
        table = Table(self.table, MetaData(), schema=self.schema)
        for column in dict.fromkeys(part.column if isinstance(part, LookedUp) else part for part in self.columns):
            if isinstance(column, str):
                table.append_column(Column(column, LargeBinary()))
        index = Index(name, *(_element(part, table, _SLOTS[slot]) for part in self.columns), unique=self.unique)
        index.dialect_kwargs.update(self.options)
        if index not in table.indexes:  # made of SQL alone
            table.append_constraint(index)
        return index


def lookups_of(table: Table, dialect: Dialect) -> dict[str, tuple[LookupIndex, Index]]:
    """What a model's table has, by name, beside the first of its two indexes."""
    found = {}
    for index in lookup_indexes(table):
        parts: list[Any] = list(index.expressions)
        if any(isinstance(part, SlotB) for part in parts):
            continue  # goes with the other
        name = str(index.name)
        columns = tuple(_part(part, dialect) for part in parts)
        options = {key: _option(value, dialect) for key, value in index.dialect_kwargs.items()}
        made = LookupIndex(name, str(table.name), columns, bool(index.unique), table.schema, options)
        found[name] = made, index
    return found


def _part(part: Any, dialect: Dialect) -> Part:
    if isinstance(part, SlotA):
        (column,) = part.clauses
        return LookedUp(str(column.name))
    return str(part.name) if isinstance(part, Column) else text(_sql(part, dialect))


def _option(value: Any, dialect: Dialect) -> Any:
    return text(_sql(value, dialect)) if isinstance(value, ClauseElement) else value


def _sql(element: ClauseElement, dialect: Dialect) -> str:
    """As it stands in DDL."""
    compiled = element.compile(dialect=dialect, compile_kwargs={"literal_binds": True, "include_table": False})
    return str(compiled).replace(":", "\\:")


def _element(part: Part, table: Table, slot: type[LookupKey]) -> Any:
    if isinstance(part, LookedUp):
        return slot(table.c[part.column])
    return table.c[part] if isinstance(part, str) else part


def _comparable(columns: tuple[Part, ...]) -> list[object]:
    return [None if isinstance(part, TextClause) else part for part in columns]
