"""The SQL of a job, for one table on one database: texts, because rows must come as they are stored, past every type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect

from sa_privacy.bulk import Key
from sa_privacy.columns.stored import cell_condition
from sa_privacy.crypto.cell import SUITE_PLAIN, VERSION
from sa_privacy.jobs.target import Target
from sa_privacy.jobs.values import Operation, current_header, mistakable

if TYPE_CHECKING:
    from sa_privacy.crypto import Keyring

__all__ = ["TableSql"]

_NO_CELL = "FALSE"


class TableSql:
    """The statements for one target.

    :param stored: how each column stands in the database, from :func:`stored_types`; empty for SQLite.
    """

    def __init__(self, target: Target, dialect: Dialect, keys: Keyring, stored: dict[str, str]) -> None:
        self._target = target
        self._dialect = dialect
        self._keys = keys
        self._stored = stored
        self._postgresql = dialect.name == "postgresql"
        self._mark = "?" if dialect.paramstyle == "qmark" else "%s"
        # psycopg: as bytes; its text form of an array is made by regular expressions.
        self._array = "%b" if dialect.driver == "psycopg" else "%s"
        self.table = self._escaped(dialect.identifier_preparer.format_table(target.table))
        self.key = tuple(self.quoted(column.name) for column in target.key)
        self.columns = tuple(self.quoted(column.name) for column in target.columns)

    def quoted(self, name: str) -> str:
        """A name as it stands in SQL."""
        return self._escaped(self._dialect.identifier_preparer.quote(name))

    def _escaped(self, text: str) -> str:
        return text if self._mark == "?" else text.replace("%", "%%")

    # -- what a value is ------------------------------------------------------------------------------------------

    def _bytes(self, data: bytes) -> str:
        return f"'\\x{data.hex()}'::bytea" if self._postgresql else f"x'{data.hex()}'"

    def is_cell(self, index: int) -> str:
        """The condition that a column holds a cell."""
        column, kind = self._target.columns[index], self.columns[index]
        if self._postgresql and self._stored.get(column.name) != "bytea":
            return _NO_CELL
        found = cell_condition(kind, self._dialect)
        if mistakable(self._target, column, self._dialect):
            ids = ", ".join(self._bytes(key_id.to_bytes(4, "big")) for key_id in self._keys.ids)
            found = f"({found} AND substr({kind}, 3, 4) IN ({ids}))"
        return found

    def to_do(self, operation: Operation, index: int) -> str:
        """The condition that a column of a row may have work to do."""
        cell = self.is_cell(index)
        searched = self._target.sealed_type(self._target.columns[index]).lookup is not None
        if operation == "seal":
            head = self._bytes(bytes((VERSION, SUITE_PLAIN)))
            slotless = f" OR ({cell} AND substr({self.columns[index]}, 1, 2) = {head})"
            slotless = slotless if searched and cell != _NO_CELL else ""
            return f"({self.columns[index]} IS NOT NULL AND (NOT {cell}{slotless}))"
        if operation == "unseal" or searched:
            return cell  # whether its slots are the present ones, only its value says
        return f"({cell} AND substr({self.columns[index]}, 1, 6) <> {self._bytes(current_header(self._keys, slots=False))})"

    def any_to_do(self, operation: Operation) -> str:
        """The condition that a row may have work to do."""
        return "(" + " OR ".join(self.to_do(operation, index) for index in range(len(self.columns))) + ")"

    # -- reading --------------------------------------------------------------------------------------------------

    def _keys_sql(self) -> str:
        return ", ".join(self.key)

    def _compared(self, sign: str) -> str:
        marks = ", ".join(self._mark for _ in self.key)
        return f"({self._keys_sql()}) {sign} ({marks})"

    def _within(self, after: Key | None, upto: Key | None) -> tuple[str, Key]:
        conditions = [self._compared(sign) for key, sign in ((after, ">"), (upto, "<=")) if key is not None]
        return "".join(f"{condition} AND " for condition in conditions), (*(after or ()), *(upto or ()))

    def end_of_range(self, operation: Operation, after: Key | None, size: int) -> tuple[str, Key]:
        """The key with which a range of `size` rows with work ends; no row where there are fewer left."""
        within, parameters = self._within(after, None)
        statement = (
            f"SELECT {self._keys_sql()} FROM {self.table} WHERE {within}{self.any_to_do(operation)} "
            f"ORDER BY {self._keys_sql()} LIMIT 1 OFFSET {size - 1}"
        )
        return statement, parameters

    def rows(self, operation: Operation, after: Key | None, upto: Key | None, limit: int) -> tuple[str, Key]:
        """Keys and stored values of a range's rows with work."""
        within, parameters = self._within(after, upto)
        statement = (
            f"SELECT {self._keys_sql()}, {', '.join(self.columns)} FROM {self.table} "
            f"WHERE {within}{self.any_to_do(operation)} ORDER BY {self._keys_sql()} LIMIT {limit}"
        )
        return statement, parameters

    def left_over(self, operation: Operation) -> str:
        """The keys of all rows with work, for people: nothing of it is escaped for a driver."""
        statement = f"SELECT {self._keys_sql()} FROM {self.table} WHERE {self.any_to_do(operation)}"
        return statement if self._mark == "?" else statement.replace("%%", "%")

    def keyless_rows(self) -> str:
        """How many rows no key names: SQLite lets a part of a primary key be NULL."""
        nulls = " OR ".join(f"{name} IS NULL" for name in self.key)
        return f"SELECT count(*) FROM {self.table} WHERE {nulls}"

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, connection: Connection, changed: Sequence[int], rows: Sequence[tuple[Key, Key, Key]]) -> int:
        """Compare and set: puts new values where the old ones still stand. Returns in how many rows they did.

        :param changed: which columns; the rest of a row is neither compared nor set.
        :param rows: key, old values, new values.
        """
        if self._postgresql:
            return self._write_set(connection, changed, rows)
        names = [self.columns[index] for index in changed]
        # Not by the column's own collation: for NOCASE a value in other letters would be the same.
        statement = (
            f"UPDATE {self.table} SET {', '.join(f'{name} = ?' for name in names)} "
            f"WHERE {' AND '.join(f'{name} = ?' for name in self.key)} "
            f"AND {' AND '.join(f'{name} COLLATE BINARY = ?' for name in names)}"
        )
        given = [(*new, *key, *old) for key, old, new in rows]
        return connection.exec_driver_sql(statement, given).rowcount

    def _write_set(self, connection: Connection, changed: Sequence[int], rows: Sequence[tuple[Key, Key, Key]]) -> int:
        """One statement for all rows. It waits for no row that somebody else holds, so that it is in no deadlock: such rows
        come again.
        """
        names = [self.columns[index] for index in changed]
        kinds = [self._stored[column.name] for column in self._target.key]
        parts = [f"%s::{kind.replace('%', '%%')}[]" for kind in kinds] + [f"{self._array}::bytea[]"] * (2 * len(names))
        k, o, n = (
            [f"{letter}{i}" for i in range(size)]
            for letter, size in zip("kon", (len(kinds), *[len(names)] * 2), strict=True)
        )
        same_key = " AND ".join(f"t.{name} = v.{mark}" for name, mark in zip(self.key, k, strict=True))
        same_old = " AND ".join(f"t.{name} = v.{mark}" for name, mark in zip(names, o, strict=True))
        statement = (
            f"WITH v AS (SELECT * FROM unnest({', '.join(parts)}) AS v({', '.join((*k, *o, *n))})), "
            f"free AS (SELECT {', '.join(f'v.{mark}' for mark in k)} FROM {self.table} AS t JOIN v ON {same_key} "
            f"WHERE {same_old} FOR NO KEY UPDATE OF t SKIP LOCKED) "
            f"UPDATE {self.table} AS t SET {', '.join(f'{name} = v.{mark}' for name, mark in zip(names, n, strict=True))} "
            f"FROM v JOIN free USING ({', '.join(k)}) WHERE {same_key} AND {same_old}"
        )
        parts_of_rows = [list(part) for part in zip(*((*key, *old, *new) for key, old, new in rows), strict=True)]
        return connection.exec_driver_sql(statement, tuple(parts_of_rows)).rowcount
