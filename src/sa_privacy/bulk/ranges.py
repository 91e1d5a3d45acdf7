"""Ranges of keys in SQL. Their ends are values as the driver has them, whatever the types of the columns make of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, inspect, literal, tuple_, type_coerce
from sqlalchemy.types import NullType

from sa_privacy.bulk.keys import PLAIN, Key, write_key
from sa_privacy.bulk.tables import WORKS
from sa_privacy.bulk.work import Range
from sa_privacy.errors import PolicyError

__all__ = ["end_of", "require_keys", "within"]

_RAW = NullType()


def within(key: Sequence[Column[Any]], wanted: Range) -> list[ColumnElement[bool]]:
    """The conditions for rows in a range.

    :param key: what rows are told apart by.
    """
    found: list[ColumnElement[bool]] = []
    if wanted.after is not None:
        found.append(_side(key) > _values(wanted.after))
    if wanted.upto is not None:
        found.append(_side(key) <= _values(wanted.upto))
    return found


def end_of(rows: Select[Any], key: Sequence[Column[Any]], after: Key | None, size: int) -> Select[Any]:
    """The key with which a range of so many rows ends; no row where there are fewer.

    :param rows: selects something of all rows.
    """
    wanted: Any = rows.with_only_columns(*(type_coerce(column, _RAW).label(None) for column in key))
    return wanted.where(*within(key, Range(after, None))).order_by(*key).offset(size - 1).limit(1)  # type: ignore[no-any-return]


def require_keys(connection: Connection, table: str, rows: Select[Any], key: Sequence[Column[Any]]) -> None:
    """Refuses, before anything begins, rows between whose keys no ranges could be kept.

    One row tells: all values of a column have one type on PostgreSQL, and on SQLite any type they can have will do.

    :param rows: as for :func:`end_of`.
    :raises PolicyError: the type of a key is none that can be written down.
    """
    if all(map(_is_plain, key)) or not inspect(connection).has_table(WORKS.name):
        return
    found = connection.execute(end_of(rows, key, None, 1)).first()
    try:
        write_key(None if found is None else tuple(found))
    except PolicyError as error:
        raise PolicyError(f"{table}: {error.message}", hint=error.hint) from None


def _is_plain(column: Column[Any]) -> bool:
    """Whether a column's type says that its values can be written down, so that none need be asked for."""
    try:
        return column.type.python_type in PLAIN
    except NotImplementedError:
        return False


def _side(key: Sequence[Column[Any]]) -> Any:
    raw = [type_coerce(column, _RAW) for column in key]
    return tuple_(*raw) if len(raw) > 1 else raw[0]


def _values(key: Key) -> Any:
    raw = [literal(value, _RAW) for value in key]
    return tuple_(*raw) if len(raw) > 1 else raw[0]
