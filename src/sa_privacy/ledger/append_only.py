"""Triggers that keep the rows of a ledger from being changed or removed, but by the library's own retention and erasure.

They stop a mistake, and whoever has no more than rights on the rows. They do not stop the owner of the tables, who may drop
the trigger, or who can write the file of a SQLite database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, event, inspect, text

from sa_privacy.columns.own_tables import OWN_TABLES, OwnDDL
from sa_privacy.ledger.passes import has_pass_sql

__all__ = ["append_only", "append_only_sql", "is_append_only", "missing_triggers", "own_triggers"]

_FUNCTION = "sa_privacy_append_only"
_MARK = "append-only"


def append_only(table: Table) -> Table:
    """Gives a table of the library its triggers whenever it is created by ``metadata.create_all()``."""
    table.info[_MARK] = True
    for dialect in ("sqlite", "postgresql"):
        for statement in append_only_sql(table.name, dialect):
            made: Any = OwnDDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", made.execute_if(dialect=dialect))
    return table


def is_append_only(table: Table) -> bool:
    """Whether a table of the library's own has these triggers."""
    return _MARK in table.info


def append_only_sql(table: str, dialect: str) -> tuple[str, ...]:
    """The statements that make the triggers of a table. PostgreSQL 14 and newer."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
            f"WHEN NOT {has_pass_sql(dialect)} BEGIN SELECT RAISE(ABORT, 'the ledger {table} is append-only'); END"
            for verb in ("update", "delete")
        )
    return (
        f"""\
CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_LEVEL = 'ROW' AND {has_pass_sql(dialect)} THEN
    RETURN COALESCE(NEW, OLD);
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
    MESSAGE = 'the ledger ' || TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' is refused';
END $$""",
        f"""\
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()""",
        f"""\
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()""",
    )


def missing_triggers(connection: Connection) -> list[str]:
    """The triggers that tables of the library in a database should have and have not, or that are disabled."""
    if connection.dialect.name == "sqlite":
        found = text("SELECT tbl_name, substr(name, length(tbl_name) + 2) FROM sqlite_master WHERE type = 'trigger'")
        wanted = ("no_update", "no_delete")
    else:
        found = text(
            "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE tgenabled IN ('O', 'A') AND pg_table_is_visible(pg_class.oid)"
        )
        wanted = ("append_only", "no_truncate")
    there = {(table, name) for table, name in connection.execute(found)}
    tables = set(inspect(connection).get_table_names())
    return [
        f"{table.name}.{name}"
        for table in OWN_TABLES.sorted_tables
        if is_append_only(table) and table.name in tables
        for name in wanted
        if (table.name, name) not in there
    ]


def own_triggers() -> Mapping[str, frozenset[str]]:
    """The library's own triggers, and that they touch nothing personal: what the gate is told of them."""
    names = [f"{table.name}_no_{verb}" for table in OWN_TABLES.tables.values() for verb in ("update", "delete")]
    return dict.fromkeys((_FUNCTION, f"public.{_FUNCTION}", *names), frozenset())
