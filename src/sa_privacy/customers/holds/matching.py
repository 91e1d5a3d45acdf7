"""The one condition that says whether a row is held. Triggers ask it of the row at hand, plans of all rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    String,
    and_,
    case,
    cast,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement

from sa_privacy.columns.subject_frame import CellKey
from sa_privacy.customers.holds.guarded import Guarded
from sa_privacy.errors import PolicyError
from sa_privacy.ledger.people import key_text

__all__ = ["Row", "found_by", "is_held", "matches", "of_table", "opens", "row_key", "row_of", "same_unique"]

Row = Callable[[Column[Any]], Any]
"""Gives the expression for a column of the row that is asked about."""

_BETWEEN = "\x1f"


def of_table(column: Column[Any]) -> Any:
    """A row of the table itself, as a query has it."""
    return column


def row_of(name: str, quote: Callable[[str], str]) -> Row:
    """The row that a trigger calls ``OLD`` or ``NEW``."""
    return lambda column: literal_column(f"{name}.{quote(str(column.name))}", column.type)


def matches(held: FromClause, guarded: Guarded, row: Row) -> ColumnElement[bool]:
    """Whether a hold is about a row: by its person, by its key, or with its table. Queries are asked apart (:func:`found_by`).

    :param held: the table of holds in force, or an alias of it.
    """
    here = held.c.table_name == literal(guarded.name)
    about = [and_(held.c.kind == literal("table"), here)]
    key = row_key(guarded, row)
    if key is not None:
        about.append(and_(held.c.kind == literal("row"), here, held.c.row_key == key))
    if guarded.keys:
        kind, subject = (row(guarded.table.c[name]) for name in ("kind", "subject"))
        about.append(and_(held.c.kind == literal("subject"), held.c.person_kind == kind, held.c.subject == subject))
        about += [_opens_held(held, guarded, one, row) for one in guarded.opens]
    owner = _owner(guarded, row)
    if owner is not None and guarded.owned is not None:
        kind = held.c.person_kind == literal(guarded.owned.kind)
        about.append(and_(held.c.kind == literal("subject"), kind, owner(held.c.subject)))
    return or_(*about)


def is_held(held: FromClause, guarded: Guarded, row: Row, *those: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether one of the holds in force is about a row.

    :param those: of the holds, the ones that count.
    """
    asked: Any = select(literal_column("1")).select_from(held).where(*those, matches(held, guarded, row))
    condition: ColumnElement[bool] = asked.correlate(guarded.table).exists()
    return condition


def _opens_held(held: FromClause, keys: Guarded, opened: Guarded, row: Row) -> ColumnElement[bool]:
    """Whether a key opens something in a row of a table that is held by its key, or with the table."""

    def kept(here: Row) -> ColumnElement[bool]:
        key, table = row_key(opened, here), held.c.kind == literal("table")
        return table if key is None else or_(table, held.c.row_key == key)

    of_rows = held.c.kind.in_([literal("row"), literal("table")])
    return and_(of_rows, held.c.table_name == literal(opened.name), opens(keys, opened, row, kept))


def opens(keys: Guarded, opened: Guarded, row: Row, kept: Callable[[Row], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether the key at hand opens something in a row of a table that must stay.

    The rows of the key's person are looked at; where nobody has linked it to one yet, all of them.

    :param row: of the table of keys.
    :param kept: the condition for a row of the other table.
    """
    owned = opened.owned
    assert owned is not None  # noqa: S101 - cells under people's keys belong to people
    here: list[Any] = [table.alias(f"opened_{at}") for at, table in enumerate(owned.way)]
    source = here[0]
    for at, (link, _, target) in enumerate(owned.steps):
        source = source.join(here[at + 1], _named(here[at], link) == _named(here[at + 1], target))
    key, kind, subject = (row(keys.table.c[name]) for name in ("id", "kind", "subject"))
    under = or_(*(CellKey(here[0].c[column.key]) == key for column in opened.under_keys))
    asked: Any = select(literal_column("1")).where(under, kept(lambda column: here[0].c[column.key]))
    owner = _named(here[-1], owned.key)
    theirs = owner == cast(case((kind == literal(owned.kind), subject)), owner.type)
    of_theirs = asked.select_from(source).where(theirs).correlate_except(*here).exists()
    return or_(of_theirs, and_(subject.is_(None), asked.select_from(here[0]).correlate_except(here[0]).exists()))


def row_key(guarded: Guarded, row: Row) -> ColumnElement[Any] | None:
    """The primary key of a row as one text; None where the table has none, or it cannot be compared."""
    parts = []
    for column in guarded.table.primary_key.columns:
        try:
            key_text(column)
        except PolicyError:
            return None
        parts.append(cast(row(column), String))
    if not parts:
        return None
    joined: ColumnElement[Any] = parts[0]
    for part in parts[1:]:
        joined = joined.concat(literal(_BETWEEN)).concat(part)
    return joined


def _owner(guarded: Guarded, row: Row) -> Callable[[Any], ColumnElement[bool]] | None:
    """Whether the row belongs to the person with a key; None where that cannot be told."""
    owned = guarded.owned
    if owned is None:
        return None
    key = _named(owned.way[-1], owned.key)
    try:
        key_text(key)
    except PolicyError:
        return None
    if not owned.steps:
        return lambda subject: subject == cast(row(key), String)
    here: list[Any] = [table.alias(f"way_{at}") for at, table in enumerate(owned.way)]
    (name, _, there), *after = owned.steps
    source: Any = here[1]
    for at, (link, _, target) in enumerate(after, start=1):
        source = source.join(here[at + 1], _named(here[at], link) == _named(here[at + 1], target))
    led_to = _named(here[1], there) == row(_named(guarded.table, name))
    keys = select(cast(_named(here[-1], owned.key), String)).select_from(source).where(led_to)
    keys = keys.correlate(guarded.table)
    return lambda subject: subject.in_(keys)


def found_by(guarded: Guarded, condition: str, row: Row | None) -> ColumnElement[bool]:
    """Whether the query of a hold finds a row.

    :param row: the one at hand; None: each of the table, as a query has it.
    """
    asked: ColumnElement[bool] = literal_column(f"({condition})", Boolean())
    if row is None:
        return asked
    same = [column == row(column) for column in guarded.table.primary_key.columns]
    found: Any = select(literal(1)).select_from(guarded.table).where(*same, asked)
    there: ColumnElement[bool] = found.correlate_except(guarded.table).exists()
    return there


def same_unique(guarded: Guarded, row: Row) -> ColumnElement[bool] | None:
    """Whether a row of the table has something in common with the row at hand that no two rows may have in common."""
    alike = []
    for expressions in guarded.unique():
        pairs = [(one, _over(one, row)) for one in expressions]
        if all(other is not None for _, other in pairs):
            alike.append(and_(*(one == other for one, other in pairs)))
    return or_(*alike) if alike else None


def _over(expression: Any, row: Row) -> Any:
    """The expression with the columns of the row at hand in place of the table's."""
    if isinstance(expression, Column):
        return row(expression)
    if not isinstance(expression, ClauseElement):
        return None

    def replace(element: Any, **_: Any) -> Any:
        return row(element) if isinstance(element, Column) else None

    return visitors.replacement_traverse(expression, {}, replace)


def _named(source: FromClause, name: str) -> Any:
    return next(column for column in source.c if column.name == name)
