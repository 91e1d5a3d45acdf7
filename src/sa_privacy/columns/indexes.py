"""The indexes of searchable columns: over both lookup slots of their cells, in place of indexes over the cells.

What a model says in SQLAlchemy's words (``unique=True``, ``index=True``, ``UniqueConstraint("tenant", "email")``,
``Index("ix", lookup_key(Customer.email), Customer.tenant)``) is made into two indexes, one for each slot. Both are there
from the start: while a lookup key is being rotated, both slots are written, and both are searched and unique.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Column, Index, Table, UniqueConstraint

from sa_privacy.columns.lookup_key import LookupKey, SlotA, SlotB

__all__ = ["index_searchable", "is_searchable", "lookup_indexes", "slot_names"]

_LONGEST: Final = 63
"""PostgreSQL's longest name."""
_MADE: Final = "sa_privacy_default"
_SLOTS: Final = (SlotA, SlotB)


def is_searchable(column: object) -> bool:
    """Whether a column is sealed and has a lookup."""
    return isinstance(column, Column) and getattr(column.type, "lookup", None) is not None


def lookup_indexes(table: Table) -> list[Index]:
    """The indexes of a table that stand over lookup slots, by name."""
    found = [index for index in table.indexes if any(isinstance(part, (SlotA, SlotB)) for part in index.expressions)]
    return sorted(found, key=lambda index: str(index.name))


def index_searchable(table: Table) -> None:
    """Gives the searchable columns of a table their indexes. Does nothing where they have them."""
    for item in [*table.indexes, *table.constraints]:
        if isinstance(item, (Index, UniqueConstraint)):
            _replace(item, table)
    for column in table.columns:
        if is_searchable(column) and not any(_covers(index, column) for index in table.indexes):
            _add(table, f"ix_{table.name}_{column.name}_lookup", [column], unique=False, info={_MADE: True})


def _replace(item: Index | UniqueConstraint, table: Table) -> None:
    """An index or uniqueness over searchable columns themselves becomes one over their lookups."""
    parts: list[Any] = list(item.expressions if isinstance(item, Index) else item.columns)
    if not any(is_searchable(part) or type(part) is LookupKey for part in parts):
        if len(parts) == 1 and isinstance(item, Index) and _MADE not in item.info and isinstance(parts[0], LookupKey):
            _drop_default(item, table)  # one that a copy of the table brought along
        return
    (table.indexes if isinstance(item, Index) else table.constraints).discard(item)
    columns = [part.clauses.clauses[0] if type(part) is LookupKey else part for part in parts]
    name = f"ix_{table.name}_{'_'.join(str(getattr(part, 'name', 'x')) for part in columns)}_lookup"
    unique = not isinstance(item, Index) or bool(item.unique)
    named = item.name if isinstance(item.name, str) and item.name else name
    _add(table, str(named), columns, unique=unique, **item.dialect_kwargs)


def _add(table: Table, name: str, parts: list[Any], **options: Any) -> None:
    for slot, named in zip(_SLOTS, slot_names(name), strict=True):
        index = Index(named, *(slot(part) if is_searchable(part) else part for part in parts), **options)
        if index not in table.indexes:  # made of SQL text alone
            table.append_constraint(index)


def _drop_default(index: Index, table: Table) -> None:
    """Lets an index stand in for the one that was made because there was none yet."""
    for other in list(table.indexes):
        if other is not index and (_MADE in other.info or other.name == index.name) and _same(other, index):
            table.indexes.discard(other)


def _same(one: Index, other: Index) -> bool:
    a, b = list(one.expressions), list(other.expressions)
    return len(a) == len(b) == 1 and type(a[0]) is type(b[0]) and _columns_of(a[0]) == _columns_of(b[0])


def _columns_of(part: Any) -> list[str]:
    return [str(column.name) for column in part.clauses] if isinstance(part, LookupKey) else []


def _covers(index: Index, column: Column[Any]) -> bool:
    """Whether searches of the column can use the index: its lookup comes first."""
    first = next(iter(index.expressions), None)
    return isinstance(first, (SlotA, SlotB)) and _columns_of(first) == [str(column.name)]


def slot_names(name: str) -> tuple[str, str]:
    """What the two indexes of a lookup are called: the second after the first, so that one name tells both."""
    first = _short(name, "")
    return first, _short(first, "_2")


def _short(name: str, ending: str) -> str:
    """The name, or its beginning and a digest of it where it is too long."""
    if len(name.encode()) + len(ending) <= _LONGEST:
        return name + ending
    digest = sha256(name.encode()).hexdigest()[:8]
    kept = name.encode()[: _LONGEST - len(ending) - 9].decode(errors="ignore")
    return f"{kept}_{digest}{ending}"
