"""What stands in a column once it is emptied: NULL, or where that cannot be, a value that says nothing of anybody."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Column, DateTime, Enum, Index, Integer, Table, UniqueConstraint

from sa_privacy.columns.sealed import Encrypted
from sa_privacy.errors import RetentionRefused

__all__ = ["empty_value", "fresh_value", "is_unique"]

#: How long a drawn text may be: 2^48 values at least.
_SHORTEST, _LONGEST = 8, 32
_NEUTRAL: Final[dict[type, Any]] = {
    str: "",
    bytes: b"",
    bool: False,
    int: 0,
    float: 0.0,
    Decimal: Decimal(0),
    datetime: datetime(1970, 1, 1),  # noqa: DTZ001 - a column without a time zone takes no aware one
    date: date(1970, 1, 1),
    time: time(0),
    timedelta: timedelta(0),
    dict: {},
    list: [],
}


def is_unique(column: Column[Any]) -> bool:
    """Whether the column, alone or with others, may hold no value twice."""
    table: Table = column.table
    if column.unique or column.primary_key:
        return True
    constraints = [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
    indexes = [one for one in table.indexes if one.unique]
    return any(column.name in columns for columns in constraints) or any(_mentions(one, column) for one in indexes)


def empty_value(column: Column[Any]) -> Any:
    """What stands in the column of a row that is anonymised; another one each time where values are unique.

    :raises RetentionRefused: the library knows no such value.
    """
    if column.nullable:
        return None
    if is_unique(column):
        return fresh_value(column)
    kind = _inner(column)
    if isinstance(kind, Enum):
        return _of_enum(kind)
    if isinstance(kind, DateTime) and kind.timezone:
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    python = _python_type(column)
    if python is uuid.UUID:
        return uuid.uuid4()
    if python in _NEUTRAL:
        return _NEUTRAL[python]
    raise _no_value(column)


def fresh_value(column: Column[Any]) -> Any:
    """A value that no row has: drawn at random, so that nothing leads from it to what stood there.

    :raises RetentionRefused: the type has too few values for that.
    """
    python, kind = _python_type(column), _inner(column)
    if python is uuid.UUID:
        return uuid.uuid4()
    if python is str and not isinstance(kind, Enum):
        length = getattr(kind, "length", None) or _LONGEST
        if length >= _SHORTEST:
            return secrets.token_urlsafe(length)[: min(length, _LONGEST)]
    if python is bytes:
        return secrets.token_bytes(16)
    if python is int and isinstance(kind, Integer):
        return -secrets.randbelow(2**31 - 2) - 1
    raise _no_value(column)


def _inner(column: Column[Any]) -> Any:
    return column.type.inner if isinstance(column.type, Encrypted) else column.type


def _python_type(column: Column[Any]) -> type | None:
    try:
        return _inner(column).python_type  # type: ignore[no-any-return]
    except NotImplementedError:
        return None


def _of_enum(kind: Enum) -> Any:
    first: Any = kind.enums[0]
    return first if kind.enum_class is None else kind.enum_class[first]


def _mentions(index: Index, column: Column[Any]) -> bool:
    names: Collection[str] = [str(one.name) for one in index.columns]
    return column.name in names


def _no_value(column: Column[Any]) -> RetentionRefused:
    name = f"{column.table.fullname}.{column.name}"
    return RetentionRefused(
        f"{name} cannot be emptied: it takes no NULL, and the library knows no value of its type that says nothing.",
        hint=f"say one in the policy: [retention.NAME.values] {column.name} = ...",
        columns=(name,),
    )
