"""What stands in a column once it is emptied: NULL, or where that cannot be, a value that says nothing of anybody."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    Column,
    DateTime,
    Enum,
    Float,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    UniqueConstraint,
    Uuid,
)

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
_LONG_AGO: Final = datetime(1000, 1, 1)  # noqa: DTZ001 - as above
_CENTURIES: Final = 500 * 365 * 24 * 60 * 60 * 10**6  # microseconds
#: Of moments that are drawn there are enough; of days, as long as few rows are kept.
_MOMENTS: Final[dict[type | None, Callable[[datetime], Any]]] = {
    datetime: lambda moment: moment,
    date: datetime.date,
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
    if isinstance(kind, Uuid):
        return fresh_value(column)
    python = _python_type(column)
    if python in _NEUTRAL:
        return _NEUTRAL[python]
    raise _no_value(column)


def fresh_value(column: Column[Any]) -> Any:
    """A value that no row has: drawn at random, so that nothing leads from it to what stood there.

    :raises RetentionRefused: the type has too few values for that.
    """
    python, kind = _python_type(column), _inner(column)
    if isinstance(kind, Uuid):
        return uuid.uuid4() if kind.as_uuid else str(uuid.uuid4())
    if python is str and not isinstance(kind, Enum):
        length = getattr(kind, "length", None) or _LONGEST
        if length >= _SHORTEST:
            return secrets.token_urlsafe(length)[: min(length, _LONGEST)]
    if python is bytes:
        return secrets.token_bytes(16)
    if python is int and isinstance(kind, Integer) and not isinstance(kind, SmallInteger):
        return -secrets.randbelow(2**31 - 2) - 1
    if python in (float, Decimal) and isinstance(kind, (Float, Numeric)):
        return _fresh_number(column, kind)
    if python in _MOMENTS:
        drawn = _LONG_AGO + timedelta(microseconds=secrets.randbelow(_CENTURIES))
        drawn = drawn.replace(tzinfo=UTC) if getattr(kind, "timezone", False) else drawn
        return _MOMENTS[python](drawn)
    raise _no_value(column)


def _fresh_number(column: Column[Any], kind: Any) -> Any:
    """A negative number of as many digits as there may be."""
    if isinstance(kind, Float):
        return -float(secrets.randbelow(2**24 if (kind.precision or 53) <= 24 else 2**53) + 1)
    digits = min(kind.precision or _LONGEST, _LONGEST)
    if digits < _SHORTEST:
        raise _no_value(column)
    return -Decimal(secrets.randbelow(10**digits - 1) + 1).scaleb(-(kind.scale or 0))


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
