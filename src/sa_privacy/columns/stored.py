"""How a column's values stand in the database while they are not sealed: read, and written, by their type alone.

A column that is being sealed holds cells and plain values side by side. On SQLite a plain value is what the driver gives
for the column's own type. On PostgreSQL it is that, too, until the column's type becomes BYTEA; from then on it is the
UTF-8 bytes of the text form that PostgreSQL gave (``convert_to(column::text, 'UTF8')``, under ISO date styles, in UTC).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from uuid import UUID

from sqlalchemy import ARRAY, JSON, Enum, Interval, LargeBinary, String, TypeDecorator
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.types import TypeEngine

from sa_privacy.crypto.cell import SHORTEST, VERSION
from sa_privacy.errors import PolicyError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = [
    "as_it_is",
    "cell_condition",
    "cell_joiner",
    "decoration",
    "is_binary",
    "is_text",
    "plain_reader",
    "plain_writer",
]

_PLAIN = DefaultDialect()
_Both: TypeAlias = tuple[Callable[[Any], Any], Callable[[Any], Any]]
_INTERVAL = re.compile(
    r"(?:(?P<years>-?\d+) years? ?)?(?:(?P<months>-?\d+) mons? ?)?(?:(?P<days>-?\d+) days? ?)?"
    r"(?:(?P<sign>[-+]?)(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?"
)


def as_it_is(value: Any) -> Any:
    """The value itself."""
    return value


def decoration(inner: Any, dialect: Dialect = _PLAIN) -> _Both:
    """What a ``TypeDecorator`` does to values on their way into the database, and on their way out."""
    kind: Any = type(inner)
    if kind.bind_processor is not TypeDecorator.bind_processor:  # as PickleType does
        return inner.bind_processor(dialect) or as_it_is, inner.result_processor(dialect, None) or as_it_is
    before: Callable[[Any], Any] = as_it_is
    after: Callable[[Any], Any] = as_it_is
    if kind.process_bind_param is not TypeDecorator.process_bind_param:
        before = lambda value: inner.process_bind_param(value, dialect)  # noqa: E731
    if kind.process_result_value is not TypeDecorator.process_result_value:
        after = lambda value: inner.process_result_value(value, dialect)  # noqa: E731
    return before, after


def is_binary(kind: TypeEngine[Any], dialect: Dialect) -> bool:
    """Whether plain values of the type are bytes in this database, so that a cell must be told from them."""
    while isinstance(kind, TypeDecorator) and not isinstance(kind, Interval):
        kind = kind.load_dialect_impl(dialect)
    try:
        return isinstance(kind, LargeBinary) or kind.python_type is bytes
    except NotImplementedError:
        return False


def cell_joiner(dialect: Dialect) -> Callable[[Iterable[bytes]], bytes]:
    """What puts the parts of a cell together, as the type that the database's driver takes fastest.

    For each ``bytes`` that it is given, Python's sqlite3 looks in three places for an adapter, which takes half as long as
    sealing a cell; a ``bytearray`` it takes as it is.
    """
    if dialect.driver in {"pysqlite", "aiosqlite"}:
        return cast("Callable[[Iterable[bytes]], bytes]", bytearray().join)
    return b"".join


def cell_condition(quoted: str, dialect: Dialect) -> str:
    """The SQL condition that a stored value has the form of a cell; as :func:`sa_privacy.crypto.cell.is_cell`.

    :param quoted: the column, as it stands in SQL; BYTEA on PostgreSQL.
    """
    postgresql = dialect.name == "postgresql"
    suites = []
    for suite, least in SHORTEST.items():
        digits = bytes((VERSION, suite)).hex()
        head = f"'\\x{digits}'::bytea" if postgresql else f"x'{digits}'"
        suites.append(f"(substr({quoted}, 1, 2) = {head} AND length({quoted}) >= {least})")
    either = f"({' OR '.join(suites)})"
    return either if postgresql else f"(typeof({quoted}) = 'blob' AND {either})"


def is_text(kind: TypeEngine[Any], dialect: Dialect) -> bool:
    """Whether the type is one of text in this database, and no enumeration."""
    while isinstance(kind, TypeDecorator):
        kind = kind.load_dialect_impl(dialect)
    return isinstance(kind, String) and not isinstance(kind, Enum)


def plain_reader(kind: TypeEngine[Any], dialect: Dialect, coltype: object = None) -> Callable[[Any], Any]:
    """Makes a value of what the database holds for it. May raise anything, with the value, on what is none.

    :param kind: the type as the application sees it.
    :param coltype: the driver's word for the type of the stored column, as for ``TypeEngine.result_processor``.
    :raises PolicyError: the type's text form on PostgreSQL is not known to the library.
    """

    @lru_cache(maxsize=1)  # made when it is needed: some drivers refuse to make one for bytes
    def processor() -> Callable[[Any], Any]:
        return kind.dialect_impl(dialect).result_processor(dialect, coltype) or as_it_is

    if is_binary(kind, dialect):
        return lambda value: processor()(_bytes_of(value))
    postgresql = dialect.name == "postgresql"
    of_text = _text_form(kind, dialect)[0] if postgresql else as_it_is

    def read(value: Any) -> Any:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            return processor()(value)
        if postgresql:
            return of_text(str(value, "utf-8"))
        # SQLite keeps bytes in any column: they are a damaged cell, or of a later release, and no value.
        raise TypeError(type(value).__name__)

    return read


def plain_writer(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any]:
    """Makes of a value what :func:`plain_reader` reads: on PostgreSQL, bytes for a BYTEA column."""
    if is_binary(kind, dialect):
        return kind.dialect_impl(_PLAIN).bind_processor(_PLAIN) or as_it_is  # the driver's would wrap the bytes
    if dialect.name != "postgresql":
        return kind.dialect_impl(dialect).bind_processor(dialect) or as_it_is
    to_text = _text_form(kind, dialect)[1]

    def write(value: Any) -> bytes | None:
        text = to_text(value)
        return None if text is None else str(text).encode()

    return write


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(type(value).__name__)


def _text_form(kind: Any, dialect: Dialect) -> _Both:
    """From and to the text that PostgreSQL shows for a value of the type."""
    if isinstance(kind, (JSON, ARRAY)):
        return json.loads, lambda value: json.dumps(value, ensure_ascii=False)
    if isinstance(kind, Enum):
        kind = cast("Any", kind)
        return kind.result_processor(_PLAIN, None) or as_it_is, kind.bind_processor(_PLAIN) or as_it_is
    if isinstance(kind, Interval):
        return _TEXTS[timedelta]
    if isinstance(kind, TypeDecorator):
        before, after = decoration(kind, dialect)
        read, write = _text_form(kind.load_dialect_impl(dialect), dialect)
        return (lambda text: after(read(text))), (
            lambda value: None if (plain := before(value)) is None else write(plain)
        )
    try:
        return _TEXTS[kind.python_type]
    except (NotImplementedError, KeyError):
        pass
    raise PolicyError(
        f"{type(kind).__name__}: its text form on PostgreSQL is not known to the library, so its values cannot be moved "
        "in place.",
        hint="add a sealed column beside it, and copy.",
    )


def _read_interval(text: str) -> timedelta:
    found = _INTERVAL.fullmatch(text)
    if not text or found is None:
        raise ValueError("interval")
    part = {name: value for name, value in found.groupdict("").items() if value}
    # As the drivers do: a year has 365 days, a month 30.
    days = 365 * int(part.get("years", 0)) + 30 * int(part.get("months", 0)) + int(part.get("days", 0))
    clock = timedelta(
        hours=int(part.get("hours", 0)),
        minutes=int(part.get("minutes", 0)),
        seconds=int(part.get("seconds", 0)),
        microseconds=int(part.get("fraction", "0").ljust(6, "0")),
    )
    return timedelta(days=days) + (-clock if part.get("sign") == "-" else clock)


def _write_interval(value: timedelta) -> str:
    return f"{value.days} days {value.seconds // 3600:02}:{value.seconds // 60 % 60:02}:{value.seconds % 60:02}" + (
        f".{value.microseconds:06}" if value.microseconds else ""
    )


_TEXTS: dict[type, _Both] = {
    str: (as_it_is, as_it_is),
    int: (int, str),
    float: (float, repr),
    Decimal: (Decimal, str),
    bool: ({"true": True, "false": False}.__getitem__, {True: "true", False: "false"}.__getitem__),
    date: (date.fromisoformat, date.isoformat),
    time: (time.fromisoformat, time.isoformat),
    datetime: (datetime.fromisoformat, datetime.isoformat),
    timedelta: (_read_interval, _write_interval),
    UUID: (UUID, str),
}
