"""What a sample of a column's values says about it. Values are counted where they are read, and go no further."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    inspect,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from sa_privacy.discovery.checks import CHECKS
from sa_privacy.discovery.evidence import Evidence
from sa_privacy.discovery.types import family

__all__ = ["judge_values", "sample"]

_LONGEST: Final = 300  # characters of a value that leave the database
_FEW: Final = 5  # values that tell nothing
_MANY: Final = 20  # values of which none passes, and that tells
_NEARLY_ALL: Final = 0.85
_SMALL: Final = 20  # times the sample: a table that may be sorted as a whole
_SKIPPED: Final = frozenset({"boolean", "binary", "time", "enum", "json"})
_TIME_LIMIT: Final = 10_000  # milliseconds
_STEPS: Final = 10_000  # of SQLite's machine, between two looks at the clock
#: About how many rows a table has: as last counted, or, where it never was, from its size at 200 bytes a row.
_ROWS: Final = """
SELECT CASE WHEN reltuples >= 0 THEN reltuples::bigint ELSE pg_relation_size(oid) / 200 END
FROM pg_class WHERE oid = to_regclass(:name) AND relkind IN ('r', 'm')
"""


def judge_values(values: Sequence[str], named: set[str]) -> Iterator[Evidence]:
    """What the values say.

    :param values: a sample.
    :param named: the kinds that the column's name speaks for.
    """
    count = len(values)
    if count < _FEW:
        return
    for check in CHECKS:
        passing = sum(map(check.passes, values))
        share = passing / count
        if share >= check.enough:
            points = check.points if share >= _NEARLY_ALL or check.enough < 0.2 else check.points * 2 // 3
            yield Evidence(
                check.kind, points if count >= _MANY else points // 2, f"values_{check.name}", (passing, count)
            )
        elif check.telling and passing == 0 and count >= _MANY and check.kind in named:
            yield Evidence(check.kind, -35, f"no_values_{check.name}", (count,))


def sample(connection: Connection, source: Table, size: int) -> dict[str, list[str]]:
    """Up to `size` values of each column of a table, from rows all over it; at most 300 characters of each.

    Reads few rows: of a large table some pages (PostgreSQL) or single rows by their number (SQLite), of a view those that
    come first. Empty where the database has no such table, or does not answer within ten seconds.
    """
    chosen = [one for one in source.columns if _is_read(one)]
    if not chosen:
        return {}
    rows: Sequence[Any] = ()
    try:
        there = {each["name"] for each in inspect(connection).get_columns(source.name, source.schema)}
        chosen = [one for one in chosen if one.name in there]
        if chosen:
            with connection.begin_nested():
                rows = (
                    _sqlite(connection, source, chosen, size)
                    if connection.dialect.name == "sqlite"
                    else (_postgresql(connection, source, chosen, size))
                )
    except (DBAPIError, NoSuchTableError):
        return {}
    return {
        one.name: [str(row[place]) for row in rows if row[place] not in (None, "")] for place, one in enumerate(chosen)
    }


def _is_read(one: Column[Any]) -> bool:
    what = family(one.type)
    return what not in _SKIPPED and not one.foreign_keys and not (one.primary_key and what != "text")


def _columns(chosen: Sequence[Column[Any]]) -> list[Any]:
    return [func.substr(cast(column(one.name), Text), 1, _LONGEST).label(f"c{n}") for n, one in enumerate(chosen)]


def _source(source: Table) -> Any:
    return table(source.name, schema=source.schema)


def _sqlite(connection: Connection, source: Table, chosen: Sequence[Column[Any]], size: int) -> Sequence[Any]:
    with _time_limit(connection):
        return _sqlite_rows(connection, source, chosen, size)


@contextmanager
def _time_limit(connection: Connection) -> Iterator[None]:
    """SQLite has no time limit of its own; what it interrupts is an error of the database."""
    driver: Any = connection.connection.driver_connection
    until = monotonic() + _TIME_LIMIT / 1000
    driver.set_progress_handler(lambda: monotonic() > until, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _sqlite_rows(connection: Connection, source: Table, chosen: Sequence[Column[Any]], size: int) -> Sequence[Any]:
    wanted = select(*_columns(chosen)).select_from(_source(source))
    rowid: Any = literal_column("_rowid_")
    try:
        with connection.begin_nested():
            last = connection.scalar(select(func.max(rowid)).select_from(_source(source)))
    except DBAPIError:  # WITHOUT ROWID, or a view
        last = None
    if last is None:
        return connection.execute(wanted.limit(size)).all()
    if not isinstance(last, int) or last <= size * _SMALL:
        return connection.execute(wanted.order_by(func.random()).limit(size)).all()
    numbers = sorted(random.sample(range(1, last + 1), size))
    one_row = wanted.where(rowid >= bindparam("number")).order_by(rowid).limit(1)
    found = (connection.execute(one_row, {"number": number}).first() for number in numbers)
    return [row for row in found if row is not None]


def _postgresql(connection: Connection, source: Table, chosen: Sequence[Column[Any]], size: int) -> Sequence[Any]:
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {_TIME_LIMIT}")
    quoted = connection.dialect.identifier_preparer.format_table(source)
    guess = connection.scalar(text(_ROWS), {"name": quoted})
    every: Any = _source(source)
    if guess is None:  # a view, or tables elsewhere
        return connection.execute(select(*_columns(chosen)).select_from(every).limit(size)).all()
    if guess > size * _SMALL:
        every = every.tablesample(func.system(min(100.0, 100.0 * size * _SMALL / guess)))
    return connection.execute(select(*_columns(chosen)).select_from(every).order_by(func.random()).limit(size)).all()
