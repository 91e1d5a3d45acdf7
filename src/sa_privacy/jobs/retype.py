"""PostgreSQL alone: the one change of a column's type, to BYTEA before plain values become cells, and back after them.

It rewrites the table under its strongest lock, once for all columns, and waits for that lock no longer than it is told:
while it waits, everybody else would wait behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ARRAY, Column, Connection, Enum
from sqlalchemy.exc import DataError, OperationalError

from sa_privacy.columns.stored import is_binary, is_text
from sa_privacy.errors import Busy, CellRejected, PolicyError
from sa_privacy.jobs.target import Target

__all__ = ["declared_type", "stored_types", "to_bytes", "to_plain_type"]

_LOCKS = 10
# So that the text form of a value does not depend on who asks.
_FORMS = (
    "datestyle = 'ISO, YMD'",
    "intervalstyle = 'postgres'",
    "timezone = 'UTC'",
    "extra_float_digits = 1",
    "bytea_output = 'hex'",
)


def stored_types(connection: Connection, target: Target) -> dict[str, str]:
    """How each column of the table stands in the database, without lengths; empty on SQLite.

    :raises PolicyError: there is no such table, or it lacks one of the columns.
    """
    if connection.dialect.name != "postgresql":
        return {}
    table = connection.dialect.identifier_preparer.format_table(target.table)
    rows = connection.exec_driver_sql(
        "SELECT attname::text, format_type(atttypid, NULL), format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
        "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        (table,),
    )
    keys = {column.name for column in target.key}  # their lengths count: a cast to character is one to a single letter
    found = {str(name): str(whole if name in keys else kind) for name, kind, whole in rows}
    missing = [c.name for c in (*target.key, *target.columns) if c.name not in found]
    if missing:
        raise PolicyError(
            f"the database has no {target.name}.{missing[0]}.",
            hint="is it the right database, and its schema up to date?",
        )
    return found


def to_bytes(connection: Connection, target: Target, lock_timeout: float) -> float:
    """Makes the target's columns BYTEA; those that are stay as they are. Returns the seconds that the table was locked.

    :param lock_timeout: seconds to wait for the lock, each of ten times.
    :raises Busy: the lock was not to be had.
    """
    stored = stored_types(connection, target)
    quote = connection.dialect.identifier_preparer.quote
    changes = []
    for column in target.columns:
        if stored[column.name] != "bytea":
            name = quote(column.name).replace("%", "%%")
            form = f"to_jsonb({name})" if isinstance(target.plain_type(column), ARRAY) else name
            changes.append(f"ALTER COLUMN {name} TYPE bytea USING convert_to({form}::text, 'UTF8')")
    return _alter(connection, target, changes, lock_timeout)


def to_plain_type(
    connection: Connection, target: Target, lock_timeout: float, last: Callable[[Connection], object]
) -> float:
    """Makes BYTEA columns without cells what their inner types declare. Returns the seconds that the table was locked.

    :param last: run when the lock is held: the cells that were written until then.
    """
    stored = stored_types(connection, target)
    quote = connection.dialect.identifier_preparer.quote
    changes = []
    for column in target.columns:
        plain = target.plain_type(column)
        if stored[column.name] == "bytea" and not is_binary(plain, connection.dialect):
            name, kind = quote(column.name).replace("%", "%%"), declared_type(connection, target, column)
            # A cast that is written out would cut text which has become longer than the type takes.
            cast = "" if is_text(plain, connection.dialect) else f"::{kind}"
            changes.append(f"ALTER COLUMN {name} TYPE {kind} USING convert_from({name}, 'UTF8'){cast}")
    return _alter(connection, target, changes, lock_timeout, last)


def declared_type(connection: Connection, target: Target, column: Column[Any]) -> str:
    """What the inner type is called in the database; a native ENUM is made where it is missing.

    :raises PolicyError: there is no way back to it.
    """
    plain: Any = target.plain_type(column).dialect_impl(connection.dialect)
    if isinstance(plain, ARRAY):
        raise PolicyError(
            f"{target.name}.{column.name} was an array, which text does not become again.",
            hint="add a plain column beside it, and copy.",
        )
    if isinstance(plain, Enum):
        plain.create(connection, checkfirst=True)
    return str(plain.compile(dialect=connection.dialect)).replace("%", "%%")


def _alter(
    connection: Connection,
    target: Target,
    changes: Sequence[str],
    lock_timeout: float,
    last: Callable[[Connection], object] | None = None,
) -> float:
    if not changes:
        return 0.0
    table = connection.dialect.identifier_preparer.format_table(target.table).replace("%", "%%")
    connection.rollback()  # what was read to get here
    refused = False
    for tried in range(_LOCKS):
        try:
            with connection.begin():
                for form in (f"lock_timeout = '{max(1, int(lock_timeout * 1000))}ms'", *_FORMS):
                    connection.exec_driver_sql(f"SET LOCAL {form}")
                connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
                start = time.perf_counter()
                if last is not None:
                    last(connection)
                connection.exec_driver_sql(f"ALTER TABLE {table} {', '.join(changes)}")
            return time.perf_counter() - start
        except DataError:
            refused = True  # said below: the error of the database may quote the value
            break
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":  # lock_not_available
                raise
            time.sleep(0.2 * (tried + 1))
    if refused:
        raise CellRejected(
            f"{target.name}: the columns hold values that their plain types do not take.",
            hint="declare types that take what was written since the columns were sealed; nothing was lost.",
            columns=target.names,
        )
    raise Busy(
        f"{target.name}: the lock for changing the column's type was not to be had, {_LOCKS} times.",
        hint="end long transactions on the table, or give a longer lock_timeout (everybody waits behind it).",
        columns=target.names,
    )
