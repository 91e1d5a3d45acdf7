"""The rows of a person as their file shows them, and what of them is about other people.

A row belongs to one person, by the catalogue; it may lead to another one all the same: an order that is a gift leads to its
recipient. Which of its columns are about whom the catalogue cannot tell. So of a row that leads to somebody else the personal
columns are left out, unless the application has said of a column that it is about the person whose row it is. The person's
very own row is about them, whomever it leads to. Keys that lead to others are never shown.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, func, select

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.customers.owned import OwnedRow, OwnedTable, same_key
from sa_privacy.ledger import Person

__all__ = ["Shown", "ShownTable", "as_json", "rows_of"]


@dataclass(slots=True)
class Shown:
    """One row.

    :param identity: its primary key.
    :param values: what it holds, by column.
    :param left_out: personal columns that may be about others.
    """

    identity: Mapping[str, Any] = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class ShownTable:
    """The rows of one table.

    :param mentions: how many rows of others lead to the person; they are not shown.
    """

    table: OwnedTable
    rows: list[Shown]
    mentions: int = 0


def rows_of(
    connection: Connection,
    tables: Collection[OwnedTable],
    person: Person,
    *,
    catalogue: Catalogue,
    about_owner: Collection[str],
    leave_out: Collection[str],
) -> list[ShownTable]:
    """Everything that the tables hold of a person.

    :param connection: of an open desk that reads all categories of the tables.
    :param catalogue: all tables whose rows belong to somebody, of whatever kind.
    :param about_owner: columns that are about the person whose row it is, also where the row leads to another.
    :param leave_out: columns that are not shown.
    """
    found: dict[str, list[OwnedRow]] = {}
    for table in tables:
        names = [column.column for column in table.columns] + list(table.plain()) + _leading(table)
        found[table.name] = list(table.rows(connection, [person.key], list(dict.fromkeys(names))))
    ways = _Ways(tables, found, catalogue, person)
    return [
        ShownTable(
            table,
            [_shown(table, row, ways, about_owner, leave_out) for row in found[table.name]],
            _mentions(connection, table, ways, found[table.name]),
        )
        for table in tables
    ]


class _Ways:
    """Where foreign keys lead: to rows of the person, or to somebody else."""

    def __init__(
        self,
        tables: Collection[OwnedTable],
        found: Mapping[str, Collection[OwnedRow]],
        catalogue: Catalogue,
        person: Person,
    ) -> None:
        self.person = person
        self._catalogue = catalogue
        self.tables = {table.name: table for table in tables}
        self._theirs = {name: {_place(row.identity.values()) for row in rows} for name, rows in found.items()}

    def to_others(self, table: OwnedTable, row: OwnedRow) -> set[str]:
        """The columns of a row that lead to somebody else, or to what is not known to be the person's."""
        own = _own_way(table)
        return {
            str(column.name)
            for column in table.table.columns
            for foreign in column.foreign_keys
            if column.name != own
            and str(foreign.column.table.fullname) in self._catalogue.holders
            and (value := row.values[str(column.name)]) is not None
            and not self._is_theirs(value, foreign.column)
        }

    def are_people(self, table: OwnedTable) -> bool:
        """Whether the rows of the table are the people themselves."""
        subject = self._catalogue.by_name[table.name].subject
        return subject is not None and subject.person

    def _is_theirs(self, value: object, there: Column[Any]) -> bool:
        table = self.tables.get(str(there.table.fullname))
        if table is None:
            return False
        if self.are_people(table) and there.name == table.key:
            return same_key(value) == same_key(self.person.key)
        identity = [str(column.name) for column in table.identity()]
        return identity == [there.name] and _place([value]) in self._theirs[table.name]


def _shown(
    table: OwnedTable, row: OwnedRow, ways: _Ways, about_owner: Collection[str], leave_out: Collection[str]
) -> Shown:
    others = ways.to_others(table, row)
    shared = bool(others) and not ways.are_people(table)
    keys = set(_leading(table))
    values: dict[str, Any] = {}
    left_out = []
    personal = {column.column: column.name for column in table.columns}
    for name, value in row.values.items():
        full = personal.get(name, f"{table.name}.{name}")
        if name in keys or full in leave_out:
            continue
        if shared and name in personal and full not in about_owner:
            left_out.append(full)
        else:
            values[name] = value
    identity = {name: value for name, value in row.identity.items() if name not in others}
    return Shown(identity, values, tuple(left_out))


def _leading(table: OwnedTable) -> list[str]:
    """The columns that hold rows together."""
    return [str(column.name) for column in table.table.columns if column.foreign_keys]


def _own_way(table: OwnedTable) -> str:
    """The column by which a row is the person's."""
    return table.steps[0][0] if table.steps else table.key


def _mentions(connection: Connection, table: OwnedTable, ways: _Ways, rows: Collection[OwnedRow]) -> int:
    """How many rows of other people lead to this one's own row."""
    count = 0
    for column in table.table.columns:
        for foreign in column.foreign_keys:
            there = ways.tables.get(str(foreign.column.table.fullname))
            if (
                there is None
                or not ways.are_people(there)
                or foreign.column.name != there.key
                or column.name == _own_way(table)
            ):
                continue
            all_rows = select(func.count()).select_from(table.table).where(column == ways.person.key)
            own = sum(same_key(row.values[str(column.name)]) == same_key(ways.person.key) for row in rows)
            count += (connection.scalar(all_rows) or 0) - own
    return count


def _place(identity: Any) -> tuple[str, ...]:
    return tuple(map(same_key, identity))


def as_json(value: object) -> Any:
    """A value as JSON has it: dates as in ISO 8601, bytes in base64, what JSON has no word for as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_json(one) for one in value]
    return str(value)
