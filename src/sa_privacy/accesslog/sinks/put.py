"""Rows into the tables, as fast as the driver at hand can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from sa_privacy.accesslog.sinks.entry import Found, Row
from sa_privacy.accesslog.sinks.schema import Schema

__all__ = ["put"]

_FEW = 100


def put(
    connection: Connection, schema: Schema, rows: Iterable[Row], found: Iterable[Found], writers: Mapping[str, str]
) -> None:
    """Insert events, their subjects, and writers that may be known already, in the connection's transaction.

    :param writers: id -> time of their first event.
    :raises IntegrityError: of SQLAlchemy's or of the driver's: a row is there already.
    """
    for writer, opened in writers.items():
        known = schema.writers.c.writer == writer
        if connection.scalar(select(schema.writers.c.writer).where(known)) is None:
            connection.execute(insert(schema.writers), {"writer": writer, "opened": opened})
    _insert(connection, schema.events, list(rows))
    _insert(connection, schema.subjects, sorted(found))


def _insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    if connection.dialect.driver == "psycopg" and len(rows) > _FEW:
        _copy(connection, table, rows)
        return
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        name = connection.dialect.identifier_preparer.format_table(table)
        driver: Any = connection.connection.driver_connection  # past what looks at each parameter
        driver.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        return
    names = [column.name for column in table.columns]
    connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """``COPY`` into the table itself; a row that is there already fails it as it would an INSERT."""
    driver: Any = connection.connection.driver_connection
    prepare = connection.dialect.identifier_preparer
    columns = ", ".join(prepare.quote(column.name) for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f"COPY {prepare.format_table(table)} ({columns}) FROM STDIN") as copy:
        write = copy.write_row
        for row in rows:
            write(row)
