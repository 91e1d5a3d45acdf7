"""What the database itself says of names that the mapped metadata does not know: is it a table, a view, of what?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sa_privacy.footprint import Foreign, Relation
from sa_privacy.gate.answers import MISSING, Answers

__all__ = ["LiveRelations"]

# ruff: noqa: S608 - names come as quoted identifiers or literals (_identifier, _literal): drivers differ in parameters

# 16384 is FirstNormalObjectId: whatever users make has at least that number, and what initdb made has not.
# A function of a user, not of an extension; extensions are installed knowingly, and their dangerous ones are refused by name.
_RELATION, _COLUMNS, _FUNCTIONS, _FOREIGN_CODE = "relation", "columns", "functions", "foreign"
_USERS_FUNCTION: Final = (
    "p.oid >= 16384 AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend e WHERE e.classid = "
    "'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e')"
)
_FOREIGN: Final = f"""
SELECT 'operator', o.oprname::text, n.nspname || '.' || p.proname
FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE o.oid >= 16384 AND {_USERS_FUNCTION}
UNION ALL
SELECT CASE WHEN c.castcontext = 'e' THEN 'cast' ELSE 'implicit' END, t.typname::text, n.nspname || '.' || p.proname
FROM pg_catalog.pg_cast c JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc JOIN pg_catalog.pg_type t ON t.oid = c.casttarget
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE c.oid >= 16384 AND {_USERS_FUNCTION}
UNION ALL
SELECT 'type', t.typname::text, n.nspname || '.' || p.proname
FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_type t ON t.oid = c.contypid
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = c.oid
AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE c.contypid >= 16384 AND {_USERS_FUNCTION}
"""
# What runs when rows of the table c are written: trigger functions, rules, and functions in defaults and checks.
_CODE: Final = """ARRAY(
SELECT ARRAY[n.nspname || '.' || p.proname, pg_catalog.pg_get_functiondef(p.oid)]
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
UNION ALL SELECT ARRAY[r.rulename::text, pg_catalog.pg_get_ruledef(r.oid)]
FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1'
UNION ALL SELECT ARRAY[n.nspname || '.' || p.proname, pg_catalog.pg_get_functiondef(p.oid)]
FROM (SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass AS kind, a.oid FROM pg_catalog.pg_attrdef a WHERE a.adrelid = c.oid
UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid
AND k.contype = 'c') x JOIN pg_catalog.pg_depend d ON d.classid = x.kind AND d.objid = x.oid
AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384)"""


class LiveRelations:
    """Asks through the very connection that the statement is about to run on, in its transaction.

    ``facts`` gathers the questions that one statement led to, with their answers: what is known of the statement holds
    for as long as these do.

    :param dialect: ``"sqlite"`` or ``"postgresql"``.
    :param answers: what this connection was told a moment ago.
    """

    def __init__(self, connection: Any, dialect: str, answers: Answers | None = None) -> None:
        self._connection = connection
        self._dialect = dialect
        self._answers = answers or Answers()
        self.facts: dict[tuple[str, ...], Any] = {}

    def lookup(self, schema: str | None, name: str) -> Relation:
        """What `schema.name` is."""
        relation: Relation = self._told(_RELATION, name, *_maybe(schema))
        return relation

    def columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        """The columns of `schema.name` in the database, or None where it has none of that name."""
        found: tuple[str, ...] | None = self._told(_COLUMNS, name, *_maybe(schema))
        return found

    def overloaded(self, functions: Collection[str]) -> frozenset[str]:
        """Those of the names that a function of a user of the database bears, in whatever schema."""
        if self._dialect != "postgresql" or not functions:
            return frozenset()
        theirs = self._told(_FUNCTIONS, *sorted(functions))
        return frozenset(theirs)

    def foreign(self) -> tuple[Foreign, ...]:
        """Operators, casts and domains that run a function of a user of the database."""
        found: tuple[Foreign, ...] = self._told(_FOREIGN_CODE) if self._dialect == "postgresql" else ()
        return found

    def still(self, facts: Mapping[tuple[str, ...], Any]) -> bool:
        """Whether the database still says so."""
        return all(self._told(*question) == answer for question, answer in facts.items())

    def _told(self, *question: str) -> Any:
        if question in self.facts:
            return self.facts[question]
        answer = self._answers.get(question)
        if answer is MISSING:
            answer = self._answer(*question)
            self._answers.put(question, answer)
        self.facts[question] = answer
        return answer

    def _answer(self, about: str, *names: str) -> Any:
        if about == _FUNCTIONS:
            return self._overloaded(names)
        if about == _FOREIGN_CODE:
            return tuple(Foreign(*row) for row in self._ask(_FOREIGN))
        name, schema = names[0], names[1] if len(names) > 1 else None
        if about == _COLUMNS:
            return self._names_of_columns(schema, name)
        return self._postgresql(schema, name) if self._dialect == "postgresql" else self._sqlite(schema, name)

    def _names_of_columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        if self._dialect == "postgresql":
            rows = self._ask(
                "SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = "
                f"pg_catalog.to_regclass({_literal(_quoted(schema, name))}) AND attnum > 0 AND NOT attisdropped "
                "ORDER BY attnum"
            )
        elif schema and schema.lower() not in self._attached():
            return None
        else:
            where = f", {_literal(schema)}" if schema else ""
            rows = self._ask(f"SELECT name FROM pragma_table_xinfo({_literal(name)}{where})")
        return tuple(row[0] for row in rows) or None

    def _overloaded(self, functions: Sequence[str]) -> tuple[str, ...]:
        names = ", ".join(map(_literal, functions))
        rows = self._ask(
            f"SELECT DISTINCT p.proname::text FROM pg_catalog.pg_proc p WHERE p.proname IN ({names}) AND {_USERS_FUNCTION} "
            "ORDER BY 1"
        )
        return tuple(row[0] for row in rows)

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
        code: list[tuple[str, str]] = []
        for database in databases:
            wanted = _literal(name.lower())
            rows = self._ask(
                f"SELECT type, sql, name FROM {_identifier(database)}.sqlite_master WHERE lower(name) = {wanted} "
                f"AND type IN ('table', 'view') OR lower(tbl_name) = {wanted} AND type = 'trigger' "
                f"OR type = 'table' AND sql LIKE 'CREATE VIRTUAL%' AND instr({wanted}, lower(name) || '_') = 1"
            )
            code += [(trigger, sql) for kind, sql, trigger in rows if kind == "trigger"]  # temp ones come first
            virtual = any(kind == "table" and sql.upper().startswith("CREATE VIRTUAL") for kind, sql, _ in rows)
            for kind, sql, found in rows:
                if kind == "view":
                    return Relation("view", _view_query(sql, "sqlite"), self.columns(schema, name) or (), tuple(code))
                if kind == "table" and found.lower() == name.lower():
                    # What stands beside a virtual table under its name ("found_content") is kept by its module.
                    return Relation("unknown" if virtual else "table", code=tuple(code))
        return Relation("missing")

    def _postgresql(self, schema: str | None, name: str) -> Relation:
        rows = self._ask(
            "SELECT c.relkind::text, n.nspname::text, "
            "CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END, "
            "ARRAY(SELECT p.inhparent::bigint FROM pg_catalog.pg_inherits p WHERE p.inhrelid = c.oid ORDER BY p.inhseqno), "
            f"{_CODE} "
            "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.oid = pg_catalog.to_regclass({_literal(_quoted(schema, name))})"
        )
        if not rows:
            return Relation("missing")
        kind, namespace, definition, parents, reacting = rows[0]
        if namespace in ("pg_catalog", "information_schema", "pg_toast"):
            return Relation("system")
        columns = self.columns(schema, name) or ()
        code = tuple((one, text) for one, text in reacting)
        if parents:  # a partition or child: its rows are its parents' too
            return Relation("view", self._of_parents(columns, parents), columns, code)
        if kind in ("v", "m"):
            return Relation("view", definition.strip().rstrip(";"), columns, code)
        return Relation("table" if kind in ("r", "p", "S", "c", "i", "I", "t") else "unknown", code=code)

    def _of_parents(self, columns: tuple[str, ...], parents: list[int]) -> str:
        """A query that shows what a child of other tables shows; a column of its own may be made of any of theirs."""
        sources, theirs = [], set()
        for number, parent in enumerate(parents):
            rows = self._ask(
                "SELECT n.nspname::text, c.relname::text, ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a "
                "WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) FROM pg_catalog.pg_class c "
                f"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {parent}"
            )
            [(namespace, relation, names)] = rows
            theirs.update(names)
            sources.append(f"{_quoted(namespace, relation)} AS p{number}")
        own = f"ROW({', '.join(f'p{number}' for number in range(len(parents)))})"
        chosen = [_identifier(c) if c in theirs else f"{own} AS {_identifier(c)}" for c in columns]
        return f"SELECT {', '.join(chosen) or own} FROM {', '.join(sources)}"


def _view_query(create: str, dialect: str) -> str | None:
    """The SELECT of a stored CREATE VIEW, or None where it cannot be read."""
    try:
        parsed = sqlglot.parse_one(create, read=dialect)
    except (SqlglotError, RecursionError):
        return None
    if not isinstance(parsed, exp.Create) or parsed.expression is None:
        return None
    return str(parsed.expression.sql(dialect=dialect))


def _maybe(schema: str | None) -> tuple[str, ...]:
    return (schema,) if schema else ()


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(schema: str | None, name: str) -> str:
    return f"{_identifier(schema)}.{_identifier(name)}" if schema else _identifier(name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
