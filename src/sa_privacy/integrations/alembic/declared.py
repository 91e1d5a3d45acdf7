"""SQLite alone: another declared type for a column, in place.

SQLite keeps a value as it is stored, whatever type its column declares: cells and plain values stand side by side. So
nothing has to be copied; the record of the table alone is changed, as sqlite.org/lang_altertable.html describes for
changes that leave the stored rows as they are. The new record is tried first, on an empty table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from sa_privacy.errors import PolicyError
from sa_privacy.integrations.alembic.sqlite_text import NAME, bracketed, recorded, unquoted

__all__ = ["declare", "in_transaction"]

_TRIED: Final = "sa_privacy_tried"
_BEHIND_TYPE: Final = re.compile(
    r"(?i)\b(?:constraint|primary|not|null|unique|check|default|collate|references|generated|as)\b"
)


def declare(connection: Connection, table: str, schema: str | None, column: str, kind: str) -> None:
    """Gives a column another declared type. Does nothing where it has it.

    :param kind: as it stands in SQL.
    :raises PolicyError: there is no such column, or the record of the table is not understood. Nothing was changed.
    """
    quote = connection.dialect.identifier_preparer.quote
    main = quote(schema or "main")
    before = _columns(connection, main, quote(table))
    name = table if schema is None else f"{schema}.{table}"
    if column not in before:
        raise PolicyError(f"the database has no {name}.{column}.", hint="is its schema up to date?")
    if before[column][1].upper() == kind.upper():
        return
    wanted = before | {column: (column, kind, *before[column][2:])}
    (record,) = recorded(connection, "table", table, schema).values()
    with in_transaction(connection):
        changed = _with_type(record, column, kind)
        if _tried(connection, changed) != wanted:
            raise PolicyError(
                f"{name}: how {column} is declared in the database is not understood.",
                hint="change its type in op.batch_alter_sealed_table, which copies the table.",
                columns=(f"{name}.{column}",),
            )
        version = connection.exec_driver_sql(f"PRAGMA {main}.schema_version").scalar_one()
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        try:
            connection.exec_driver_sql(
                f"UPDATE {main}.sqlite_master SET sql = ? "  # noqa: S608 - a quoted name
                "WHERE type = 'table' AND tbl_name = ? COLLATE NOCASE",
                (changed, table),
            )
            connection.exec_driver_sql(f"PRAGMA {main}.schema_version = {version + 1}")  # so that all connections look
        finally:
            connection.exec_driver_sql("PRAGMA writable_schema = RESET")


@contextmanager
def in_transaction(connection: Connection) -> Iterator[None]:
    """Takes care that changes of the schema are in the transaction: the driver begins one for changed rows alone."""
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        connection.exec_driver_sql("BEGIN")
    yield


def _columns(connection: Connection, schema: str, table: str) -> dict[str, tuple[Any, ...]]:
    rows = connection.exec_driver_sql(f"PRAGMA {schema}.table_xinfo({table})")
    return {str(row[1]): tuple(row)[1:] for row in rows}


def _with_type(record: str, column: str, kind: str) -> str:
    """The record, with another type; as it is where the column is not found in it."""
    for start, end in bracketed(record):
        named = re.match(rf"(?s)(?:\s|--[^\n]*\n|/\*.*?\*/)*({NAME})", record[start:end])
        if named is not None and unquoted(named[1]).lower() == column.lower():
            behind = record[start + named.end() : end]
            rest = _BEHIND_TYPE.search(behind)
            kept = "" if rest is None else f" {behind[rest.start() :]}"
            return f"{record[: start + named.end()]} {kind}{kept}{record[end:]}"
    return record


def _tried(connection: Connection, record: str) -> dict[str, tuple[Any, ...]]:
    """The columns that a table with this record would have; none where it is no statement."""
    try:
        connection.exec_driver_sql(f"CREATE TEMP TABLE {_TRIED} {record[record.index('(') :]}")
    except (OperationalError, ValueError):
        return {}
    found = _columns(connection, "temp", _TRIED)
    connection.exec_driver_sql(f"DROP TABLE temp.{_TRIED}")
    return found
