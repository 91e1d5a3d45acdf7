"""Some rows of a table, named by the values of some of its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, Final, TypeVar

from sqlalchemy import Column, Connection, and_, or_

__all__ = ["in_batches", "matching", "savepoint"]

_T = TypeVar("_T")
#: How many rows a statement names; fewer where each takes several values.
_AT_ONCE: Final = 500


def in_batches(things: Iterable[_T], width: int = 1) -> Iterator[list[_T]]:
    """Things in lists that one statement takes.

    :param width: how many values each of them has.
    """
    size = max(1, _AT_ONCE // width)
    pending: list[_T] = []
    for thing in things:
        pending.append(thing)
        if len(pending) == size:
            yield pending
            pending = []
    if pending:
        yield pending


def savepoint(connection: Connection) -> Any:
    """An error leaves the caller's transaction as it was (PostgreSQL; SQLite does so by itself)."""
    return connection.begin_nested() if connection.dialect.name == "postgresql" else nullcontext()


def matching(columns: Sequence[Column[Any]], values: Collection[tuple[Any, ...]]) -> Any:
    """The condition for rows that have one of these combinations of values."""
    if len(columns) == 1:
        return columns[0].in_([value for (value,) in values])
    return or_(*(and_(*(_is(column, value) for column, value in zip(columns, one, strict=True))) for one in values))


def _is(column: Column[Any], value: Any) -> Any:
    return column.is_(None) if value is None else column == value
