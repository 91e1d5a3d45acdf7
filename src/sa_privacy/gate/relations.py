"""What the database itself says of names that the mapped metadata does not know: is it a table, a view, of what?"""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sa_privacy.footprint import Relation

__all__ = ["LiveRelations"]

# ruff: noqa: S608 - names come as quoted identifiers or literals (_identifier, _literal): drivers differ in parameters


class LiveRelations:
    """Asks through the very connection that the statement is about to run on, in its transaction.

    Nothing is kept beyond one statement: a view may be another one tomorrow, changed by a migration elsewhere.
    ``asked`` tells whether the answer depended on what the database says today.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    """

    def __init__(self, connection: Any, dialect: str) -> None:
        self._connection = connection
        self._dialect = dialect
        self._relations: dict[tuple[str | None, str], Relation] = {}
        self._columns: dict[tuple[str | None, str], tuple[str, ...] | None] = {}

    @property
    def asked(self) -> bool:
        """Whether a relation was looked up."""
        return bool(self._relations)

    def lookup(self, schema: str | None, name: str) -> Relation:
        """What `schema.name` is."""
        key = (schema, name)
        found = self._relations.get(key)
        if found is None:
            found = self._relations[key] = (
                self._postgresql(schema, name) if self._dialect == "postgresql" else self._sqlite(schema, name)
            )
        return found

    def columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        """The columns of `schema.name` in the database, or None where it has none of that name."""
        key = (schema, name)
        if key not in self._columns:
            if self._dialect == "postgresql":
                rows = self._ask(
                    "SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = "
                    f"pg_catalog.to_regclass({_literal(_quoted(schema, name))}) AND attnum > 0 AND NOT attisdropped "
                    "ORDER BY attnum"
                )
                names = tuple(row[0] for row in rows)
            elif schema and schema.lower() not in self._attached():
                names = ()
            else:
                where = f", {_literal(schema)}" if schema else ""
                rows = self._ask(f"SELECT name FROM pragma_table_xinfo({_literal(name)}{where})")
                names = tuple(row[0] for row in rows)
            self._columns[key] = names or None
        return self._columns[key]

    def _ask(self, sql: str) -> list[Any]:
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(sql)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _attached(self) -> list[str]:
        rows = self._ask("SELECT name FROM pragma_database_list ORDER BY name <> 'temp', seq")
        return ["temp", *(row[0].lower() for row in rows if row[0] != "temp")]

    def _sqlite(self, schema: str | None, name: str) -> Relation:
        databases = self._attached()
        if schema:
            databases = [database for database in databases if database == schema.lower()]
        for place in (f"{_identifier(database)}.sqlite_master" for database in databases):
            rows = self._ask(
                f"SELECT type, sql FROM {place} WHERE lower(name) = {_literal(name.lower())} AND type IN ('table', 'view')"
            )
            if rows:
                kind, sql = rows[0]
                if kind == "view":
                    return Relation("view", _view_query(sql, "sqlite"), self.columns(schema, name) or ())
                return Relation("unknown" if sql.upper().startswith("CREATE VIRTUAL") else "table")
        return Relation("missing")

    def _postgresql(self, schema: str | None, name: str) -> Relation:
        rows = self._ask(
            "SELECT c.oid::bigint, c.relkind::text, n.nspname::text, "
            "CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END, "
            "(SELECT p.inhparent::regclass::text FROM pg_catalog.pg_inherits p WHERE p.inhrelid = c.oid LIMIT 1) "
            "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.oid = pg_catalog.to_regclass({_literal(_quoted(schema, name))})"
        )
        if not rows:
            return Relation("missing")
        _, kind, namespace, definition, parent = rows[0]
        if namespace in ("pg_catalog", "information_schema", "pg_toast"):
            return Relation("system")
        columns = self.columns(schema, name) or ()
        if parent is not None:  # a partition or child: its rows are its parent's
            chosen = ", ".join(_identifier(column) for column in columns)
            return Relation("view", f"SELECT {chosen} FROM {parent}", columns)
        if kind in ("v", "m"):
            return Relation("view", definition.strip().rstrip(";"), columns)
        return Relation("table" if kind in ("r", "p", "S", "c", "i", "I", "t") else "unknown")


def _view_query(create: str, dialect: str) -> str | None:
    """The SELECT of a stored CREATE VIEW, or None where it cannot be read."""
    try:
        parsed = sqlglot.parse_one(create, read=dialect)
    except (SqlglotError, RecursionError):
        return None
    if not isinstance(parsed, exp.Create) or parsed.expression is None:
        return None
    return str(parsed.expression.sql(dialect=dialect))


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(schema: str | None, name: str) -> str:
    return f"{_identifier(schema)}.{_identifier(name)}" if schema else _identifier(name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
