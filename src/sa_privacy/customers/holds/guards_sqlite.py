"""The triggers that keep a table's held rows on SQLite.

SQLite knows no message with a value in it (before 3.47), so that a trigger names the table, and the gate asks for the case.
``INSERT OR REPLACE`` and ``UPDATE OR REPLACE`` remove rows without a word to triggers for DELETE, unless a connection asks for
``recursive_triggers``, which changes what other triggers do: so what is in the way of a new row is looked at before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, literal, literal_column, select
from sqlalchemy.dialects import sqlite

from sa_privacy.customers.holds.guarded import Guarded
from sa_privacy.customers.holds.guards import Guard
from sa_privacy.customers.holds.matching import Row, of_table, row_key, row_of, same_unique
from sa_privacy.customers.holds.tables import HELD, REPLACING
from sa_privacy.ledger.passes import has_pass_sql

__all__ = ["triggers_of"]

_DIALECT: Any = sqlite.dialect()
_HELD = HELD.alias("held")
_Made = Iterator[tuple[str, str]]


def triggers_of(guard: Guard) -> _Made:
    """The triggers of a table, by name."""
    guarded, name, old = guard.guarded, guard.name, row_of("OLD", _quoted)
    held: Any = select(literal_column("1")).where(guard.about(_HELD, old))
    kept, frozen = _sql(held.exists()), _sql(held.where(_HELD.c.freeze).exists())
    yield _trigger(guarded, f"{name}_delete", "BEFORE DELETE", kept)
    changed = f"({_differ(guarded.values)}) AND {frozen} AND NOT {has_pass_sql('sqlite')}"
    yield _trigger(guarded, f"{name}_update", "BEFORE UPDATE", f"(({_gone(guarded)}) AND {kept}) OR ({changed})")
    row: Any = select(literal_column("1")).select_from(_HELD).where(guard.about(_HELD, of_table))
    yield from _replaced(guarded, name, row.correlate(guarded.table).exists())


def _replaced(guarded: Guarded, name: str, held: ColumnElement[bool]) -> _Made:
    """What gives way to a row that is inserted, or changed: an upsert changes it, REPLACE removes it.

    :param name: how the triggers begin.
    :param held: whether a row of the table is held.
    """
    new = row_of("NEW", _quoted)
    alike = same_unique(guarded, new)
    if alike is None:
        return
    table, notes = _table(guarded), REPLACING.name
    key, own, old = (_key(guarded, row) for row in (of_table, new, row_of("OLD", _quoted)))
    in_way = select(literal(name), key).select_from(guarded.table).where(alike, held)
    yield _trigger(guarded, f"{name}_clash", "BEFORE UPDATE", _sql(in_way.where(key != old).exists()))
    mine = f"guard = {_text(name)}"
    clear = f"DELETE FROM {notes} WHERE {mine};"  # noqa: S608 - our own words
    noted = f"INSERT INTO {notes} (guard, row_key) {_sql(in_way)};"
    when = f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {HELD.name})"  # noqa: S608 - our own words
    yield f"{name}_insert", f"CREATE TRIGGER {name}_insert {when} BEGIN {clear} {noted} END"
    still = _sql(select(key).select_from(guarded.table))
    gone = f"row_key = {_sql(own)} OR row_key NOT IN ({still} WHERE {_sql(key)} = row_key)"
    refused = f"SELECT {_raise(guarded)} FROM {notes} WHERE {mine} AND ({gone});"  # noqa: S608 - our own words
    when = f"AFTER INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {notes} WHERE {mine})"  # noqa: S608 - our own words
    yield f"{name}_inserted", f"CREATE TRIGGER {name}_inserted {when} BEGIN {refused} {clear} END"


def _trigger(guarded: Guarded, name: str, when: str, condition: str) -> tuple[str, str]:
    return (
        name,
        f"CREATE TRIGGER {name} {when} ON {_table(guarded)} WHEN {condition} BEGIN SELECT {_raise(guarded)}; END",
    )


def _raise(guarded: Guarded) -> str:
    return f"RAISE(ABORT, {_text(f'sa_privacy: a hold keeps rows of {guarded.name}')})"


def _gone(guarded: Guarded) -> str:
    """An UPDATE empties a personal column, or makes another row of it, or another person's."""
    emptied = [f"(OLD.{c} IS NOT NULL AND NEW.{c} IS NULL)" for c in map(_name, guarded.personal)]
    emptied += [f"(OLD.{c} <> '' AND NEW.{c} = '')" for c in map(_name, guarded.emptiable)]
    emptied += [f"(OLD.{c} IS NOT NULL AND OLD.{c} IS NOT NEW.{c})" for c in map(_name, guarded.told_once)]
    return " OR ".join([*emptied, *(f"OLD.{c} IS NOT NEW.{c}" for c in map(_name, guarded.fixed))]) or "0"


def _differ(columns: tuple[Column[Any], ...]) -> str:
    return " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in map(_name, columns)) or "0"


def _key(guarded: Guarded, row: Row) -> ColumnElement[Any]:
    """What tells a row from the others of its table: its key, or where it is in the file."""
    key = row_key(guarded, row)
    if key is not None:
        return key
    column = row(next(iter(guarded.table.columns)))
    return literal_column("rowid" if row is of_table else f"{_sql(column).partition('.')[0]}.rowid")


def _sql(element: Any) -> str:
    return str(element.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def _table(guarded: Guarded) -> str:
    return _quoted(guarded.table.name)


def _name(column: Column[Any]) -> str:
    return _quoted(str(column.name))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
