"""What is the same of row conditions that differ in their values only: what they ask, and whether they can stand in a statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import CTE, Alias, ColumnElement, Table, TableClause, select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import ColumnClause, Null
from sqlalchemy.sql.selectable import AliasedReturnsRows

from sa_privacy.columns.lookup_key import LookupKey
from sa_privacy.columns.sealed import Encrypted

__all__ = ["ROW", "Shape", "schema_of"]

#: What stands for the row that a rule is about, until it is put into a statement.
ROW: Final = "sa_privacy_row"


class Shape:
    """What is the same of conditions that differ in their values only. Compared by identity: there is one of each.

    :param fault: why there is no such condition: statements that reach the table are refused.
    :param inner: the names of what its own subqueries select from.
    :param asks: the names of the tables behind them, where no schema says which is meant.
    :param beside: the schemas of tables behind them that are not the schema of the row's own table.
    """

    __slots__ = ("asks", "beside", "fault", "inner")

    def __init__(
        self,
        fault: str | None,
        inner: frozenset[str] = frozenset(),
        asks: frozenset[str] = frozenset(),
        beside: frozenset[str | None] = frozenset(),
    ) -> None:
        self.fault = fault
        self.inner = inner
        self.asks = asks
        self.beside = beside

    @classmethod
    def of(cls, condition: ColumnElement[bool], row: Alias, table: Table) -> Shape:
        """That of a condition for the rows of a table.

        :param row: what stands in it for the row.
        """
        asked = [*_tables_inside(condition)]
        return cls(
            _fault_of(condition, row, table),
            frozenset(_names_inside(condition)),
            frozenset(one.name.lower() for one in asked if not schema_of(one)),
            frozenset(map(schema_of, asked)) - {schema_of(table)},
        )

    def hides(self, mention: Any) -> bool:
        """Whether a subquery of the condition selects from something of the mention's name, and would take it for that."""
        name = str(mention.name).lower()
        return any(_may_be(name, inner) for inner in self.inner)


def _fault_of(condition: ColumnElement[bool], row: Alias, table: Table) -> str | None:
    """Why a condition cannot stand in a statement; None where it can."""
    around = [one for one in select(condition).get_final_froms() if one is not row]
    if around:
        name = getattr(around[0], "name", "another table")
        return f"names {name} itself: the row's columns are those of its first argument, others stand in a subquery"
    if any(isinstance(element, CTE) for element in visitors.iterate(condition)):
        return "has a WITH query, which would stand among those of the statement: write a subquery"
    if _computes_with_cells(condition):
        return "compares or computes with a sealed column other than by its lookup"
    if any(one.fullname == table.fullname for one in _inner_sources(condition) if isinstance(one, Table)):
        return f"selects from {table.fullname} itself: write aliased(...) there, so that the two can be told apart"
    return None


def _computes_with_cells(element: Any) -> bool:
    """Whether a sealed column stands where the database would compare bytes that differ for equal values."""
    if isinstance(element, LookupKey):
        return False
    if getattr(element, "operator", None) in (operators.is_, operators.is_not) and isinstance(element.right, Null):
        return False
    if isinstance(element, ColumnClause):
        return isinstance(element.type, Encrypted)
    return any(_computes_with_cells(child) for child in element.get_children())


def _inner_sources(condition: Any) -> Iterator[Any]:
    """What subqueries of a condition select from."""
    waiting: list[Any] = []
    for element in visitors.iterate(condition):
        if element.__visit_name__ == "select":
            waiting += element.get_final_froms()  # type: ignore[attr-defined]
    while waiting:
        one = waiting.pop()
        if one.__visit_name__ == "join":
            waiting += (one.left, one.right)
        elif one.__visit_name__ == "grouping":
            waiting.append(one.element)
        else:
            yield one


def _names_inside(condition: Any) -> Iterator[str]:
    """The names of what subqueries select from."""
    for one in _inner_sources(condition):
        name = str(getattr(one, "name", ""))
        if name != ROW:
            yield name.lower()


def _tables_inside(condition: Any) -> Iterator[TableClause]:
    """The tables behind what subqueries select from."""
    for one in _inner_sources(condition):
        table = _table_behind(one)
        if getattr(one, "name", "") != ROW and isinstance(table, TableClause):
            yield table


def _table_behind(source: Any) -> Any:
    while isinstance(source, AliasedReturnsRows):
        source = source.element
    return source


def schema_of(source: Any) -> str | None:
    """The schema that is said of a table, or of the one behind an alias."""
    return getattr(_table_behind(source), "schema", None) or None


def _may_be(one: str, other: str) -> bool:
    """Whether two names may come to be the same. ``%(12345 orders)s`` becomes ``orders_1``, or another number."""
    if one == other:
        return True
    for early, late in ((one, other), (other, one)):
        if "%(" in early and "%(" not in late:
            return late.startswith(early.rpartition(" ")[2].partition(")")[0] + "_")
    return False
