"""The lookup indexes of a table: made before its values are sealed, dropped when they are plain again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, Index
from sqlalchemy.schema import CreateIndex

from sa_privacy.columns.indexes import lookup_indexes
from sa_privacy.errors import PolicyError
from sa_privacy.jobs.target import Target

__all__ = ["LOOKUP_INDEX", "drop_lookups", "make_lookups", "missing_lookups"]

#: How both databases show an index over a lookup slot.
LOOKUP_INDEX: Final = re.compile(r"(?is)substr(?:ing)?\s*\(.*?,\s*(?:7|27)\s*,\s*20\s*\)")
_SQLITE: Final = "SELECT name, coalesce(sql, '') FROM sqlite_master WHERE type = 'index' AND lower(tbl_name) = lower(?)"
_POSTGRESQL: Final = """
SELECT c.relname::text, pg_get_indexdef(i.indexrelid)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass(%s)
"""


def missing_lookups(connection: Connection, target: Target) -> list[Index]:
    """The lookup indexes of the target's columns that the database has not.

    :raises PolicyError: an index of the same name is there, over something else.
    """
    stored = _stored(connection, target)
    missing = []
    for index in _of_columns(target):
        made = stored.get(str(index.name))
        if made is None:
            missing.append(index)
        elif LOOKUP_INDEX.search(made) is None:
            raise PolicyError(
                f"{target.name} has an index {index.name} over plain values, and a lookup index of that name is to be made.",
                hint="drop the old one first, or give the new one another name: Index(name, lookup_key(...)).",
                columns=target.names,
            )
    return missing


def make_lookups(connection: Connection, target: Target) -> None:
    """Makes the indexes that are missing. Only cells are in them, so they can be made before there are any."""
    for index in missing_lookups(connection, target):
        connection.execute(CreateIndex(index))


def drop_lookups(connection: Connection, target: Target) -> None:
    """Drops the indexes over slots of the target's columns, which plain values have not."""
    stored = _stored(connection, target)
    quote, schema = connection.dialect.identifier_preparer.quote, target.table.schema
    for index in _of_columns(target):
        name = str(index.name)
        if LOOKUP_INDEX.search(stored.get(name, "")) is not None:
            where = f"{quote(schema)}." if schema and connection.dialect.name == "postgresql" else ""
            connection.exec_driver_sql(f"DROP INDEX {where}{quote(name)}".replace("%", "%%"))


def _of_columns(target: Target) -> Iterator[Index]:
    names = {column.name for column in target.columns}
    for index in lookup_indexes(target.table):
        if names & {column.name for column in index.columns}:
            yield index


def _stored(connection: Connection, target: Target) -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(_SQLITE, (target.table.name,))
    else:
        rows = connection.exec_driver_sql(
            _POSTGRESQL, (connection.dialect.identifier_preparer.format_table(target.table),)
        )
    return {str(name): str(sql) for name, sql in rows}
