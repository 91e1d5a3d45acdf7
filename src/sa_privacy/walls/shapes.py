"""The tables that a wall is made for, as plain values: their columns, and the sequences that fill them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Integer, MetaData, Sequence, SmallInteger, Table

__all__ = ["ColumnShape", "TableShape", "shapes_of"]


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """One column.

    :param nullable: whether a new row may leave it NULL.
    """

    name: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class TableShape:
    """One table.

    :param schema: None where the models name none: the schema that comes first in the search path.
    :param sequences: ``(schema, name)`` of the sequences its defaults draw from.
    """

    schema: str | None
    table: str
    columns: tuple[ColumnShape, ...]
    sequences: tuple[tuple[str | None, str], ...] = ()

    @property
    def name(self) -> str:
        """``"table"`` or ``"schema.table"``."""
        return f"{self.schema}.{self.table}" if self.schema else self.table


def shapes_of(collections: Iterable[MetaData]) -> tuple[TableShape, ...]:
    """The tables of the models, as they would be on PostgreSQL."""
    found: dict[str, TableShape] = {}
    for collection in collections:
        for table in collection.tables.values():
            columns = tuple(ColumnShape(str(column.name), bool(column.nullable)) for column in table.columns)
            shape = TableShape(table.schema, str(table.name), columns, tuple(_sequences(table)))
            found.setdefault(shape.name, shape)
    return tuple(found[name] for name in sorted(found))


def _sequences(table: Table) -> Iterator[tuple[str | None, str]]:
    for column in table.columns:
        if isinstance(column.default, Sequence):
            yield column.default.schema or table.schema, str(column.default.name)
        elif column is table.autoincrement_column and _is_serial(column):
            yield table.schema, _serial_name(str(table.name), str(column.name))


def _is_serial(column: Column[object]) -> bool:
    whole = isinstance(column.type, (Integer, SmallInteger))
    return whole and column.identity is None and column.server_default is None


def _serial_name(table: str, column: str) -> str:
    """What PostgreSQL calls the sequence of a SERIAL column (``makeObjectName``): the longer part gives way."""
    room = 63 - len("_seq") - 1
    while len(table.encode()) + len(column.encode()) > room:
        if len(table.encode()) > len(column.encode()):
            table = table[:-1]
        else:
            column = column[:-1]
    return f"{table}_{column}_seq"
