"""Rows into the tables, as fast as the driver at hand can."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from sa_privacy.accesslog.sinks.entry import SEQS, Row, anybody_row, subject_rows
from sa_privacy.accesslog.sinks.schema import Schema

__all__ = ["put", "put_one"]

_FEW = 100
_PIECE = 1000
_ROWS = 4000
_SPECIAL = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\b": r"\b", "\f": r"\f", "\v": r"\v"}
_special = re.compile(r"[\\\t\n\r\b\f\v]")


def put(connection: Connection, schema: Schema, rows: Sequence[Row], numbers: Mapping[str, int]) -> dict[str, int]:
    """Insert events and their subjects, in the connection's transaction.

    :param numbers: of the writers that are known.
    :returns: of the others; they hold once the transaction is committed.
    :raises IntegrityError: of SQLAlchemy's or of the driver's: a row is there already.
    """
    fresh: dict[str, int] = {}
    for row in rows:
        if row[0] not in numbers and row[0] not in fresh:
            fresh[row[0]] = _number(connection, schema, row[0], row[2])
    if fresh:
        numbers = {**numbers, **fresh}
    anybody = [one for row in rows if (one := anybody_row(row, numbers[row[0]])) is not None]
    _insert(connection, schema.anybody, sorted(anybody))
    subjects: list[Any] = []
    if connection.dialect.driver == "psycopg" and len(rows) > _FEW:
        _copy(connection, schema.events, _as_text(rows, numbers, subjects))
        subjects.sort()  # neighbours go to the same page of the index
        _copy(connection, schema.subjects, _subjects_as_text(subjects))
        return fresh
    for row in rows:
        subjects += subject_rows(row, numbers[row[0]], schema.dated)
    subjects.sort()
    _insert(connection, schema.events, [_event(row, numbers[row[0]]) for row in rows])
    _insert(connection, schema.subjects, subjects)
    return fresh


def put_one(connection: Connection, schema: Schema, row: Row, number: int) -> None:
    """Commit one event of a writer that is known: on PostgreSQL, whose connection is in autocommit, in one round
    trip.

    :raises IntegrityError: see :func:`put`.
    """
    event = _event(row, number)
    if connection.dialect.name != "postgresql":
        with connection.begin():
            put(connection, schema, [row], {row[0]: number})
        return
    format_table = connection.dialect.identifier_preparer.format_table
    steps = [f"INSERT INTO {format_table(schema.events)} VALUES ({_ONE_EVENT})"]
    if row[8]:
        into = f"INSERT INTO {format_table(schema.subjects)}"
        steps.append(f"{into} SELECT unnest(%s::bigint[]), %s::timestamptz, %s::bigint")
        event += (f"{{{','.join(map(str, row[8]))}}}", row[2], event[0])
    anybody = anybody_row(row, number)
    if anybody is not None:
        steps.append(f"INSERT INTO {format_table(schema.anybody)} VALUES ({_ONE_ANYBODY})")
        event += anybody
    *before, last = steps
    said = ", ".join(f"step{place} AS ({step})" for place, step in enumerate(before))
    said = f"WITH {said} {last}" if before else last
    cursor = connection.connection.cursor()
    try:
        cursor.execute(said, event)
    finally:
        cursor.close()


_ONE_ANYBODY = "%s::timestamptz, %s::bigint, %s::bigint, %s::bigint, %s::text"
_ONE_EVENT = "%s::bigint, %s::timestamptz, %s::text, %s::text, %s::text, %s::bigint, %s::text"


def _number(connection: Connection, schema: Schema, writer: str, opened: str) -> int:
    """The number of a writer, which may be new."""
    table = schema.writers
    known = connection.scalar(select(table.c.number).where(table.c.writer == writer))
    if known is not None:
        return int(known)
    connection.execute(insert(table), {"writer": writer, "opened": opened})
    return int(connection.execute(select(table.c.number).where(table.c.writer == writer)).scalar_one())


def _event(row: Row, number: int) -> tuple[Any, ...]:
    _, seq, at, kind, actor, decision, intent, line, *_ = row
    base = number * SEQS
    return base + seq, at, kind, actor, decision, None if intent is None else base + intent, line


def _insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        _insert_sqlite(connection, table, rows)
        return
    names = [column.name for column in table.columns]
    connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])


def _insert_sqlite(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Thousands of rows a statement, past what looks at each parameter: Python's lock is free until all are in, so that
    another thread can read on. ``executemany`` takes it back for every row.
    """
    driver: Any = connection.connection.driver_connection
    width = len(table.columns)
    most = min(_ROWS, driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // width)
    into = f"INSERT INTO {connection.dialect.identifier_preparer.format_table(table)} VALUES "
    one = f"({', '.join('?' * width)})"
    for begin in range(0, len(rows), most):
        some = rows[begin : begin + most]
        driver.execute(into + ", ".join([one] * len(some)), list(chain.from_iterable(some)))


def _copy(connection: Connection, table: Table, pieces: Iterable[str]) -> None:
    """``COPY`` into the table itself; a row that is there already fails it as it would an INSERT."""
    driver: Any = connection.connection.driver_connection
    prepare = connection.dialect.identifier_preparer
    columns = ", ".join(prepare.quote(column.name) for column in table.columns)
    with driver.cursor() as cursor, cursor.copy(f"COPY {prepare.format_table(table)} ({columns}) FROM STDIN") as copy:
        for piece in pieces:
            copy.write(piece)


def _as_text(rows: Sequence[Row], numbers: Mapping[str, int], subjects: list[tuple[int, str, int]]) -> Iterator[str]:
    """Events as COPY reads them; collects the rows of their subjects on the way.

    Of the columns, an actor and a line alone can hold a character that means something to COPY.
    """
    for begin in range(0, len(rows), _PIECE):
        piece = []
        for writer, seq, at, kind, actor, decision, intent, line, keys, _ in rows[begin : begin + _PIECE]:
            base = numbers[writer] * SEQS
            event = base + seq
            for key in keys:
                subjects.append((key, at, event))  # noqa: PERF401 - one or two: extending by a generator costs more
            who = actor
            if who is None:
                who = _NULL
            elif not who.isprintable() or "\\" in who:
                who = _special.sub(_escaped, who)
            text = line.replace("\\", "\\\\") if "\\" in line else line
            of = _NULL if intent is None else base + intent
            piece.append(f"{event}\t{at}\t{kind}\t{who}\t{decision or _NULL}\t{of}\t{text}\n")
        yield "".join(piece)


_NULL = "\\N"


def _escaped(found: re.Match[str]) -> str:
    return _SPECIAL[found[0]]


def _subjects_as_text(rows: Sequence[tuple[int, str, int]]) -> Iterator[str]:
    for begin in range(0, len(rows), _PIECE):
        yield "".join([f"{key}\t{at}\t{event}\n" for key, at, event in rows[begin : begin + _PIECE]])
