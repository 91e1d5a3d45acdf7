"""Tables of classes that inherit from a restricted one: each row of theirs goes on in a row of its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, FromClause, Table, literal, select

from sa_privacy.columns.sqlalchemy_private import all_mappers

if TYPE_CHECKING:
    from sa_privacy.access import Access

__all__ = ["heirs"]

Where = Callable[[Any, "Access"], Any]
Pairs = list[tuple[Column[Any], Column[Any]]]


def heirs(table: Table, where: Where, names: Mapping[str, str]) -> Iterator[tuple[Table, Where]]:
    """For each table that goes on in `table`, however far: the table, and what a rule of `table` means for its rows.

    A statement may name such a table alone: UPDATE of a class does, and so does a flush.

    :param names: the names of columns in the database, by what else the application calls them.
    """
    for heir, pairs in _joined_to(table).items():
        through = _Through(table, pairs, where, names)
        yield heir, through
        yield from heirs(heir, through, {})


def _joined_to(table: Table) -> dict[Table, Pairs]:
    found: dict[Table, Pairs] = {}
    for mapper in all_mappers():
        heir = mapper.local_table
        if mapper.inherits is None or mapper.inherits.local_table is not table or not isinstance(heir, Table):
            continue
        keys = [key for key in heir.foreign_keys if key.parent.primary_key and key.references(table)]
        if heir is not table and not mapper.concrete and keys:
            found[heir] = [(key.parent, key.column) for key in keys]
    return found


class _Through:
    """That the row which a row goes on in is among those that `where` leaves."""

    __slots__ = ("_names", "_pairs", "_table", "_where")

    def __init__(self, table: Table, pairs: Pairs, where: Where, names: Mapping[str, str]) -> None:
        self._table, self._pairs, self._where, self._names = table, pairs, where, names

    @property
    def __code__(self) -> Any:
        """Where in the application the rule stands."""
        return getattr(self._where, "__code__", None)

    def __call__(self, row: Any, access: Access) -> Any:
        rows = self._table.alias()
        same = [_column(rows, there.name) == row[here.name] for here, there in self._pairs]
        return select(literal(1)).select_from(rows).where(*same, self._where(_Rows(rows, self._names), access)).exists()


class _Rows:
    """Its columns, by attribute or column name."""

    def __init__(self, rows: FromClause, names: Mapping[str, str]) -> None:
        self._rows, self._names = rows, names

    def __getattr__(self, name: str) -> Any:
        return _column(self._rows, self._names.get(name, name))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def _column(rows: FromClause, name: str) -> Any:
    for column in rows.c:
        if column.name == name:
            return column
    raise AttributeError(name)
