"""Making the triggers that keep held rows, and saying which are missing or not of this release."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Table, text

from sa_privacy.columns.own_tables import OwnDDL, guard_name
from sa_privacy.customers.holds.guarded import Guarded
from sa_privacy.customers.holds.guards import Guard
from sa_privacy.customers.holds.guards_postgresql import PostgreSQLGuard, Relation, function_of, quoted, quoted_name
from sa_privacy.customers.holds.guards_sqlite import triggers_of

__all__ = ["make_guards", "remove_guards", "unguarded"]

_TRIGGERS: Final = text(
    "SELECT p.proname, p.prosrc, g.tgname FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid "
    "WHERE g.tgenabled = 'A' AND p.prosecdef AND g.tgrelid = to_regclass(:name)"
)
_RELATIONS: Final = text(
    "WITH RECURSIVE found(oid) AS (SELECT to_regclass(:name)::oid UNION "
    "SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN found ON i.inhparent = found.oid) "
    "SELECT format('%I.%I', n.nspname, c.relname), c.relispartition FROM found "
    "JOIN pg_catalog.pg_class c ON c.oid = found.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1"
)
_QUERY: Final = r"_q[0-9a-f]{8}c?"


def unguarded(connection: Connection, guards: Iterable[Guard]) -> list[str]:
    """The tables whose held rows nothing keeps, or triggers of another release or of other models.

    Tables that are not there have no rows to keep.
    """
    return list(dict.fromkeys(one.guarded.name for one in guards if not _is_current(connection, one)))


def make_guards(connection: Connection, guards: Iterable[Guard]) -> list[str]:
    """Makes the triggers that are missing or not current.

    :param connection: of the tables' owner.
    :returns: the tables that have new triggers.
    """
    made = dict[str, None]()
    for guard in guards:
        if not _is_current(connection, guard):
            made[guard.guarded.name] = None
            if connection.dialect.name == "sqlite":
                _make_sqlite(connection, guard)
            else:
                _make_postgresql(connection, function_of(guard))
    return list(made)


def remove_guards(connection: Connection, tables: Iterable[Guarded], held: Collection[str]) -> None:
    """Removes what released queries left behind.

    :param tables: that can be held; what queries keep hangs on them.
    :param held: the marks of the queries that are in force.
    """
    for table in _with_above(one.table for one in tables):
        own = re.compile(re.escape(guard_name(table.name)) + f"({_QUERY})(?:_[a-z]+)?")
        for name in _names(connection, table):
            query = own.fullmatch(name)
            if query is not None and query[1].removesuffix("c") not in held:
                if connection.dialect.name == "sqlite":
                    _run(connection, f"DROP TRIGGER {name}")
                else:
                    path = "" if table.schema is None else f"{quoted(table.schema)}."
                    _run(connection, f"DROP FUNCTION {path}{name}() CASCADE")


def _is_current(connection: Connection, guard: Guard) -> bool:
    if connection.dialect.name == "sqlite":
        there = _there(connection, guard.guarded.table)
        exists = connection.execute(
            text("SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(:name)"),
            {"name": guard.guarded.table.name},
        ).first()
        return exists is None or all(there.get(name) == sql for name, sql in triggers_of(guard))
    wanted = function_of(guard)
    for relation in _relations(connection, wanted.table):
        rows = connection.execute(_TRIGGERS, {"name": relation.name})
        found = {trigger for function, body, trigger in rows if (function, body) == (guard.name, wanted.body)}
        if not found >= {wanted.trigger, wanted.truncate}:
            return False
    return True


def _relations(connection: Connection, table: str) -> list[Relation]:
    """A table, and what inherits from it; nothing where there is none."""
    return [Relation(name, partition) for name, partition in connection.execute(_RELATIONS, {"name": table})]


def _there(connection: Connection, table: Table) -> dict[str, str]:
    """SQLite's triggers of a table that are ours, with their texts."""
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = lower(:name)"),
        {"name": table.name},
    )
    own = guard_name(table.name)
    return {name: sql for name, sql in rows if name.startswith(f"{own}_")}


def _names(connection: Connection, table: Table) -> set[str]:
    """What the triggers of a table, or their functions, are called."""
    if connection.dialect.name == "sqlite":
        return set(_there(connection, table))
    return {row[0] for row in connection.execute(_TRIGGERS, {"name": quoted_name(table)})}


def _with_above(tables: Iterable[Table]) -> Iterator[Table]:
    """The tables, and all that they refer to."""
    waiting, seen = list(tables), set[Table]()
    while waiting:
        table = waiting.pop()
        if table not in seen:
            seen.add(table)
            waiting += [key.column.table for key in table.foreign_keys]
            yield table


def _make_sqlite(connection: Connection, guard: Guard) -> None:
    there = _there(connection, guard.guarded.table)
    for name, sql in triggers_of(guard):
        if there.get(name) != sql:
            _run(connection, f"DROP TRIGGER IF EXISTS {name}")
            _run(connection, sql)


def _make_postgresql(connection: Connection, guard: PostgreSQLGuard) -> None:
    schemas = connection.execute(text("SELECT current_schemas(false)")).scalar_one()
    path = ", ".join([*map(quoted, schemas), "pg_temp"])
    for statement in guard.statements(path, _relations(connection, guard.table)):
        _run(connection, statement)


def _run(connection: Connection, statement: str) -> None:
    made: Any = OwnDDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    connection.execute(made)
