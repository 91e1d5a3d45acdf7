"""The trigger function that keeps a table's held rows on PostgreSQL, and its triggers.

It runs with the rights of the tables' owner, so that whoever writes to a table need not read what is held. It takes a lock
that all who destroy something share, and that placing a hold waits for: either the hold is there first, or the rows are gone
before it. A transaction that looks at an older state of the database runs into the row of the kind ``turn`` instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Select, Table, literal_column, select
from sqlalchemy.dialects import postgresql

from sa_privacy.columns.own_tables import HOLD_MARK
from sa_privacy.customers.holds.guarded import Guarded, is_sealed
from sa_privacy.customers.holds.guards import Guard
from sa_privacy.customers.holds.matching import Row, of_table, row_of
from sa_privacy.customers.holds.tables import HELD, TURN
from sa_privacy.ledger.passes import has_pass_sql

__all__ = ["LOCK", "PostgreSQLGuard", "Relation", "function_of", "quoted", "quoted_name"]

LOCK: Final = 0x73615F686F6C6473
"""Of the database: shared by who destroys something, and alone with who places a hold."""

_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
_HELD = HELD.alias("held")
_CASE: Final = select(_HELD.c.case_number).order_by(_HELD.c.case_number).limit(1)


@dataclass(frozen=True)
class Relation:
    """A table, or one that inherits from it: a part of it, for all that the application knows.

    :param name: with its schema, as SQL has it.
    :param partition: the triggers for rows of what it is part of are its own.
    """

    name: str
    partition: bool


@dataclass(frozen=True)
class PostgreSQLGuard:
    """A function and its triggers.

    :param function: with the schema of its table, as SQL has it.
    :param trigger: what the trigger for rows is called. The last by name: what other triggers change, it sees.
    :param truncate: what the trigger for TRUNCATE is called.
    :param body: of the function.
    """

    table: str
    function: str
    trigger: str
    truncate: str
    body: str

    def statements(self, path: str, relations: Iterable[Relation]) -> Iterator[str]:
        """What makes it.

        :param path: the schemas in which the tables are found, and the library's own.
        :param relations: the table, and what inherits from it. Partitions have no triggers for TRUNCATE from elsewhere.
        """
        yield (
            f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = {path} AS $sa_privacy${self.body}$sa_privacy$"
        )
        yield f"REVOKE ALL ON FUNCTION {self.function}() FROM PUBLIC"
        for one in relations:
            whens = {self.truncate: "BEFORE TRUNCATE ON {} FOR EACH STATEMENT"}
            if not one.partition:
                whens[self.trigger] = "BEFORE UPDATE OR DELETE ON {} FOR EACH ROW"
            for name, when in whens.items():
                yield f"CREATE OR REPLACE TRIGGER {name} {when.format(one.name)} EXECUTE FUNCTION {self.function}()"
                yield f"ALTER TABLE {one.name} ENABLE ALWAYS TRIGGER {name}"


def function_of(guard: Guard) -> PostgreSQLGuard:
    """What keeps the rows of a table."""
    guarded, table = guard.guarded, quoted_name(guard.guarded.table)
    here = f"({table}.tableoid = TG_RELID OR TG_RELID = {_text(table)}::regclass)"  # the parts of a table have their own turn
    any_row: Any = select(literal_column("1")).select_from(guarded.table)
    any_row = any_row.where(guard.about(_HELD, of_table), literal_column(here)).correlate(_HELD)
    schema = guarded.table.schema
    return PostgreSQLGuard(
        table,
        guard.name if schema is None else f"{quoted(schema)}.{guard.name}",
        f"zz_{guard.name}",
        f"zz_{guard.name}_t",
        _body(guarded, _CASE.where(guard.about(_HELD, _OLD)), _CASE.where(any_row.exists())),
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
    emptied += [f"(OLD.{_name(c)} IS NOT NULL AND {_differs(c)})" for c in guarded.told_once]
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


def quoted_name(table: Table) -> str:
    """A table, for SQL."""
    return quoted(table.name) if table.schema is None else f"{quoted(table.schema)}.{quoted(table.name)}"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
