"""The trigger function that keeps a table's held rows on PostgreSQL, and its triggers.

It runs with the rights of the tables' owner, so that whoever writes to a table need not read what is held. It takes a lock
that all who destroy something share, and that placing a hold waits for: either the hold is there first, or the rows are gone
before it. A transaction that looks at an older state of the database runs into the row of the kind ``turn`` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Select, literal_column, select
from sqlalchemy.dialects import postgresql

from sa_privacy.columns.own_tables import HOLD_MARK, guard_name
from sa_privacy.customers.holds.guarded import Guarded, is_sealed
from sa_privacy.customers.holds.matching import Row, found_by, matches, of_table, row_of
from sa_privacy.customers.holds.tables import HELD, TURN
from sa_privacy.ledger.passes import has_pass_sql

__all__ = ["LOCK", "PostgreSQLGuard", "of_query", "of_table_guard", "quoted", "quoted_name"]

LOCK: Final = 0x73615F686F6C6473
"""Of the database: shared by who destroys something, and alone with who places a hold."""

_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
_HELD = HELD.alias("held")
_CASE: Final = select(_HELD.c.case_number).order_by(_HELD.c.case_number).limit(1)


@dataclass(frozen=True)
class PostgreSQLGuard:
    """A function and its triggers.

    :param trigger: what the trigger for rows is called. The last by name: what other triggers change, it sees.
    :param body: of the function.
    """

    guarded: Guarded
    function: str
    trigger: str
    body: str

    def statements(self, path: str) -> tuple[str, ...]:
        """What makes it.

        :param path: the schemas in which the tables are found, and the library's own.
        """
        function, table = self.qualified, quoted_name(self.guarded)
        statement = f"{self.trigger}_truncate"
        made = (
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = {path} AS $sa_privacy${self.body}$sa_privacy$"
        )
        runs = f"EXECUTE FUNCTION {function}()"
        return (
            made,
            f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC",
            f"CREATE OR REPLACE TRIGGER {self.trigger} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {runs}",
            f"CREATE OR REPLACE TRIGGER {statement} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {runs}",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {self.trigger}",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {statement}",
        )

    @property
    def qualified(self) -> str:
        """The function, with the schema of its table."""
        schema = self.guarded.table.schema
        return self.function if schema is None else f"{quoted(schema)}.{self.function}"


def of_table_guard(guarded: Guarded) -> PostgreSQLGuard:
    """What keeps the rows of a table that are held by person, by key or with their table."""
    any_row: Any = select(literal_column("1")).select_from(guarded.table).where(matches(_HELD, guarded, of_table))
    return PostgreSQLGuard(
        guarded,
        guard_name(guarded.table.name),
        "zz_sa_privacy_hold",
        _body(guarded, _CASE.where(matches(_HELD, guarded, _OLD)), _CASE.where(any_row.correlate(_HELD).exists())),
    )


def of_query(guarded: Guarded, hold: str, condition: str) -> PostgreSQLGuard:
    """What keeps the rows that the query of a hold finds."""
    mine = _CASE.where(_HELD.c.hold == hold)
    any_row: Any = select(literal_column("1")).select_from(guarded.table).where(found_by(guarded, condition, None))
    return PostgreSQLGuard(
        guarded,
        f"{guard_name(guarded.table.name)}_q{hold[:8]}",
        f"zz_sa_privacy_hold_q{hold[:8]}",
        _body(guarded, mine.where(found_by(guarded, condition, _OLD)), mine.where(any_row.exists())),
    )


def _body(guarded: Guarded, of_row: Select[Any], of_any: Select[Any]) -> str:
    """What the function does.

    :param of_row: the cases that hold the row at hand.
    :param of_any: those that hold any row of the table.
    """
    gone = _gone(guarded)
    return f"""
DECLARE found text;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NOT ({gone}) AND (NOT ({_differ(guarded)}) OR {has_pass_sql("postgresql")}) THEN
      RETURN NEW;
    END IF;
  END IF;
  PERFORM pg_advisory_xact_lock_shared({LOCK});
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    PERFORM 1 FROM {HELD.name} WHERE kind = '{TURN}' FOR SHARE;
  END IF;
  IF TG_OP = 'TRUNCATE' THEN
    found := ({_sql(of_any)});
  ELSIF TG_OP = 'DELETE' THEN
    found := ({_sql(of_row)});
  ELSIF {gone} THEN
    found := ({_sql(of_row)});
  ELSE
    found := ({_sql(of_row.where(_HELD.c.freeze))});
  END IF;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation', TABLE = {_text(guarded.name)},
      CONSTRAINT = '{HOLD_MARK}' || found,
      MESSAGE = 'sa_privacy: the hold of case ' || found || ' keeps rows of ' || {_text(guarded.name)};
  END IF;
  IF TG_OP = 'UPDATE' THEN
    RETURN NEW;
  END IF;
  RETURN OLD;
END """


def _gone(guarded: Guarded) -> str:
    """An UPDATE empties a personal column, or makes another row of it, or another person's."""
    emptied = [f"(OLD.{c} IS NOT NULL AND NEW.{c} IS NULL)" for c in map(_name, guarded.personal)]
    emptied += [f"(OLD.{c} <> '' AND NEW.{c} = '')" for c in map(_name, guarded.emptiable)]
    return " OR ".join([*emptied, *map(_differs, guarded.fixed)]) or "false"


def _differ(guarded: Guarded) -> str:
    return " OR ".join(map(_differs, guarded.values)) or "false"


def _differs(column: Column[Any]) -> str:
    kind = "" if is_sealed(column) else "::text"  # not every type knows what is equal
    return f"OLD.{_name(column)}{kind} IS DISTINCT FROM NEW.{_name(column)}{kind}"


def _sql(element: Any) -> str:
    return str(element.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))


def quoted(name: str) -> str:
    """A name, for SQL."""
    return '"' + name.replace('"', '""') + '"'


_OLD: Row = row_of("OLD", quoted)


def _name(column: Column[Any]) -> str:
    return quoted(str(column.name))


def quoted_name(guarded: Guarded) -> str:
    """The table, for SQL."""
    schema = guarded.table.schema
    return quoted(guarded.table.name) if schema is None else f"{quoted(schema)}.{quoted(guarded.table.name)}"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
