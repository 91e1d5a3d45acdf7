"""What a column holds, counted by the database: what a dry run says, and how far a job has to go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from sa_privacy.crypto.ring import key_name
from sa_privacy.errors import PolicyError
from sa_privacy.jobs.retype import stored_types
from sa_privacy.jobs.sql import TableSql
from sa_privacy.jobs.target import Target
from sa_privacy.jobs.values import Operation

if TYPE_CHECKING:
    from sa_privacy.crypto import Keyring

__all__ = ["ColumnCount", "TableCount", "count", "rows_to_do"]

_OVERHEAD = {False: 34, True: 74}  # bytes that a cell has more than its plaintext; with lookup slots


@dataclass(frozen=True, slots=True)
class ColumnCount:
    """What one column holds.

    :param plain: values that are not sealed, and `plain_bytes` their size.
    :param cells: values that are, and `cell_bytes` their size.
    :param nulls: NULLs, which stay NULLs.
    :param keys: cells by the key that they name.
    :param sealed_bytes: an estimate of the column's size once all of it is sealed.
    """

    name: str
    plain: int
    plain_bytes: int
    cells: int
    cell_bytes: int
    nulls: int
    keys: dict[str, int]
    sealed_bytes: int


@dataclass(frozen=True, slots=True)
class TableCount:
    """What a job has to do in one table.

    :param rows: rows of the table.
    :param to_do: rows that may have work.
    :param rewritten: columns whose type has to be changed first, which rewrites the table (PostgreSQL).
    """

    table: str
    rows: int
    to_do: int
    columns: tuple[ColumnCount, ...]
    rewritten: tuple[str, ...]


def count(connection: Connection, target: Target, operation: Operation, keys: Keyring) -> TableCount:
    """Reads the whole table once, and once more for the keys of cells.

    :raises PolicyError: rows have no key (SQLite lets a part of a primary key be NULL).
    """
    stored = stored_types(connection, target)
    sql = TableSql(target, connection.dialect, keys, stored)
    if connection.exec_driver_sql(sql.keyless_rows()).scalar_one():
        raise PolicyError(
            f"{target.name} has rows whose primary key is NULL, so that they cannot be told apart.",
            hint="give them keys first.",
            columns=target.names,
        )
    asked = ["count(*)", _cases(sql.any_to_do(operation))]
    for index, quoted in enumerate(sql.columns):
        cell, measured = sql.is_cell(index), _size(quoted, stored.get(target.columns[index].name))
        asked += [
            f"count({quoted})",
            _cases(cell),
            f"coalesce(sum({measured}), 0)",
            f"coalesce(sum(CASE WHEN {cell} THEN {measured} END), 0)",
        ]
    rows, to_do, *figures = map(int, connection.exec_driver_sql(f"SELECT {', '.join(asked)} FROM {sql.table}").one())
    columns = []
    for index, column in enumerate(target.columns):
        given, cells, size, cell_size = figures[4 * index : 4 * index + 4]
        overhead = _OVERHEAD[target.sealed_type(column).lookup is not None]
        columns.append(
            ColumnCount(
                target.names[index],
                plain=given - cells,
                plain_bytes=size - cell_size,
                cells=cells,
                cell_bytes=cell_size,
                nulls=rows - given,
                keys=_keys(connection, sql, index) if cells else {},
                sealed_bytes=size + overhead * (given - cells),
            )
        )
    rewritten = [n for n, c in zip(target.names, target.columns, strict=True) if stored and stored[c.name] != "bytea"]
    return TableCount(target.name, rows, to_do, tuple(columns), tuple(rewritten) if operation == "seal" else ())


def rows_to_do(connection: Connection, sql: TableSql, operation: Operation) -> int:
    """How many rows may still have work."""
    asked = f"SELECT count(*) FROM {sql.table} WHERE {sql.any_to_do(operation)}"
    return int(connection.exec_driver_sql(asked).scalar_one())


def _cases(condition: str) -> str:
    return f"coalesce(sum(CASE WHEN {condition} THEN 1 ELSE 0 END), 0)"


def _size(name: str, stored: str | None) -> str:
    """Bytes, as SQL. SQLite measures text in characters unless it is cast."""
    if stored is None:
        return f"length(CAST({name} AS BLOB))"
    return f"octet_length({name})" if stored == "bytea" else f"octet_length({name}::text)"


def _keys(connection: Connection, sql: TableSql, index: int) -> dict[str, int]:
    key = f"substr({sql.columns[index]}, 3, 4)"
    asked = f"SELECT {key}, count(*) FROM {sql.table} WHERE {sql.is_cell(index)} GROUP BY {key} ORDER BY 2 DESC"
    found: list[Any] = list(connection.exec_driver_sql(asked))
    return {key_name(int.from_bytes(bytes(key_id), "big")): int(times) for key_id, times in found}
