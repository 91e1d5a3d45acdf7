"""Private SQLAlchemy touches of this room, one function each; ``tests/test_sqlalchemy_private.py`` watches them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause
from sqlalchemy.orm import MappedColumn, Mapper
from sqlalchemy.orm.mapper import _all_registries
from sqlalchemy.sql.elements import BinaryExpression

__all__ = ["ScannedColumn", "all_mappers", "forget_compiled", "keep_out_of_repr_and_eq", "stand_for"]


def all_mappers() -> Iterator[Mapper[Any]]:
    """Every mapper of the process, also of models that were mapped before this library was imported.

    ``registry.mappers`` is public, the list of registries is not. It raises while a class is being mapped, and for ever
    after a class could not be mapped; such classes are passed over.
    """
    for registry in tuple(_all_registries()):
        for manager in tuple(registry._managers):
            if manager.is_mapped:
                yield manager.mapper


def forget_compiled(tables: Iterable[FromClause]) -> None:
    """Drops the INSERTs and UPDATEs that mappers of these tables have compiled: a column's type has changed, say."""
    theirs = frozenset(tables)
    for mapper in all_mappers():
        if not theirs.isdisjoint(mapper.tables):
            mapper.__dict__.pop("_compiled_cache", None)


def keep_out_of_repr_and_eq(column: MappedColumn[Any], *, repr_: bool, compare: bool) -> None:
    """Keeps the field out of ``__repr__`` and ``__eq__`` where its class is a dataclass; no effect where it is not.

    ``mapped_column(repr=False)`` is the documented way, and is refused on classes that are no dataclasses.
    """
    options = column._attribute_options
    if repr_:
        options = options._replace(dataclasses_repr=False)
    if compare:
        options = options._replace(dataclasses_compare=False)
    column._attribute_options = options


def stand_for(expression: ColumnElement[Any], left: object, right: object) -> ColumnElement[Any]:
    """Lets a comparison stand for that of two other things where Python asks whether it is true.

    SQLAlchemy keeps columns in sets, and a set asks just that of ``one_column == other_column``.
    """
    if isinstance(expression, BinaryExpression):
        expression._orig = (hash(left), hash(right)) if isinstance(right, ColumnElement) else expression._orig
    return expression


class ScannedColumn(MappedColumn[Any]):
    """A mapped column that is told what a declarative class made of it. ``mapped_column()`` takes no class, so it is
    given to what that returns.
    """

    __slots__ = ()

    def declarative_scan(self, *given: Any, **named: Any) -> None:
        column, info = self.column, dict(self.column.info)
        super().declarative_scan(*given, **named)
        self.scanned(column, info)

    def scanned(self, given: Column[Any], info: dict[Any, Any]) -> None:
        """The class was read.

        :param given: the column before; ``self.column`` is now another one where ``use_existing_column`` found it.
        :param info: its ``info`` before ``Annotated`` was merged into it.
        """
