"""Making the triggers that keep held rows, and saying which are missing or not of this release."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, text

from sa_privacy.columns.own_tables import OwnDDL, guard_name
from sa_privacy.customers.holds import guards_postgresql, guards_sqlite
from sa_privacy.customers.holds.guarded import Guarded
from sa_privacy.customers.holds.guards_postgresql import PostgreSQLGuard

__all__ = ["make_guards", "make_query_guard", "unguarded"]

_TRIGGERS = text(
    "SELECT p.proname, p.prosrc, g.tgname FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid "
    "WHERE g.tgenabled = 'A' AND p.prosecdef AND g.tgrelid = to_regclass(:name)"
)


def unguarded(connection: Connection, tables: Iterable[Guarded]) -> list[str]:
    """The tables whose held rows nothing keeps, or triggers of another release or of other models.

    Tables that are not there have no rows to keep.
    """
    return [one.name for one in tables if not _is_current(connection, one)]


def make_guards(connection: Connection, tables: Iterable[Guarded], queries: Mapping[str, Collection[str]]) -> list[str]:
    """Makes the triggers that are missing or not current, and removes those of queries that are not held any more.

    :param connection: of the tables' owner.
    :param queries: by table, the ids of holds in force that are queries.
    :returns: the tables that have new triggers.
    """
    made = []
    for guarded in tables:
        _tidy(connection, guarded, queries.get(guarded.name, ()))
        if not _is_current(connection, guarded):
            made.append(guarded.name)
            if connection.dialect.name == "sqlite":
                _make_sqlite(connection, guarded, guards_sqlite.of_table_guard(guarded))
            else:
                _make_postgresql(connection, guards_postgresql.of_table_guard(guarded))
    return made


def make_query_guard(connection: Connection, guarded: Guarded, hold: str, condition: str) -> None:
    """Makes the triggers of one hold that is a query."""
    if connection.dialect.name == "sqlite":
        _make_sqlite(connection, guarded, guards_sqlite.of_query(guarded, hold, condition))
    else:
        _make_postgresql(connection, guards_postgresql.of_query(guarded, hold, condition))


def _is_current(connection: Connection, guarded: Guarded) -> bool:
    if connection.dialect.name == "sqlite":
        there = _there(connection, guarded)
        exists = connection.execute(
            text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(:name)"),
            {"name": guarded.table.name},
        ).first()
        wanted = dict(guards_sqlite.of_table_guard(guarded))
        return exists is None or all(there.get(name) == sql for name, sql in wanted.items())
    guard = guards_postgresql.of_table_guard(guarded)
    name = guards_postgresql.quoted_name(guarded)
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() is None:
        return True
    found = {(row[0], row[1], row[2]) for row in connection.execute(_TRIGGERS, {"name": name})}
    wanted_triggers = (guard.trigger, f"{guard.trigger}_truncate")
    return all((guard.function, guard.body, trigger) in found for trigger in wanted_triggers)


def _there(connection: Connection, guarded: Guarded) -> dict[str, str]:
    """SQLite's triggers of a table that are ours, with their texts."""
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(:name)"),
        {"name": guarded.table.name},
    )
    own = guard_name(guarded.table.name)
    return {name: sql for name, sql in rows if name.startswith(f"{own}_")}


def _tidy(connection: Connection, guarded: Guarded, held: Collection[str]) -> None:
    """Removes what released queries left behind."""
    own = guard_name(guarded.table.name)
    wanted = {f"{own}_q{hold[:8]}" for hold in held}
    if connection.dialect.name == "sqlite":
        for name in _there(connection, guarded):
            if name.startswith(f"{own}_q") and name.rpartition("_")[0] not in wanted:
                _run(connection, f"DROP TRIGGER {name}")
        return
    name = guards_postgresql.quoted_name(guarded)
    for function in {row[0] for row in connection.execute(_TRIGGERS, {"name": name})}:
        if function.startswith(f"{own}_q") and function not in wanted:
            schema = guarded.table.schema
            path = "" if schema is None else f"{guards_postgresql.quoted(schema)}."
            _run(connection, f"DROP FUNCTION {path}{function}() CASCADE")


def _make_sqlite(connection: Connection, guarded: Guarded, wanted: Iterable[tuple[str, str]]) -> None:
    there = _there(connection, guarded)
    for name, sql in wanted:
        if there.get(name) != sql:
            _run(connection, f"DROP TRIGGER IF EXISTS {name}")
            _run(connection, sql)


def _make_postgresql(connection: Connection, guard: PostgreSQLGuard) -> None:
    schemas = connection.execute(text("SELECT current_schemas(false)")).scalar_one()
    path = ", ".join([*map(guards_postgresql.quoted, schemas), "pg_temp"])
    for statement in guard.statements(path):
        _run(connection, statement)


def _run(connection: Connection, statement: str) -> None:
    made: Any = OwnDDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    connection.execute(made)
