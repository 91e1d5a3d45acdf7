"""What the database itself says of names that the mapped metadata does not know: is it a table, a view, of what?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sa_privacy.footprint import Code, Foreign, Relation
from sa_privacy.gate.answers import MISSING, Answers

__all__ = ["LiveRelations"]

# ruff: noqa: S608 - names come as quoted identifiers or literals (_identifier, _literal): drivers differ in parameters

# 16384 is FirstNormalObjectId: whatever users make has at least that number, and what initdb made has not.
# A function of a user, not of an extension; extensions are installed knowingly, and their dangerous ones are refused by name.
_RELATION, _COLUMNS, _FUNCTIONS, _FOREIGN_CODE = "relation", "columns", "functions", "foreign"
_TEMPORARY, _TWICE, _ELSEWHERE = "temporary", "twice", "elsewhere"
_IN_TEMPORARY: Final = "pg_catalog.bool_or(n.oid = pg_catalog.pg_my_temp_schema())"
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
# Of tables that their names stand for now, those that they did not stand for when the session began: by its first path, or in the
# schema that SQLAlchemy found then.
_MOVED: Final = """
SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname IN ({names}) AND pg_catalog.pg_table_is_visible(c.oid) AND n.nspname <> {default} AND n.nspname <> coalesce((
SELECT m.nspname FROM pg_catalog.pg_settings s CROSS JOIN
pg_catalog.regexp_split_to_table(s.reset_val, '\\s*,\\s*') WITH ORDINALITY AS p (name, at)
JOIN pg_catalog.pg_namespace m ON m.nspname::text = CASE pg_catalog.btrim(p.name, '" ') WHEN '$user' THEN current_user::text
ELSE pg_catalog.btrim(p.name, '" ') END
JOIN pg_catalog.pg_class k ON k.relnamespace = m.oid AND k.relname = c.relname
WHERE s.name = 'search_path' ORDER BY p.at LIMIT 1), '') ORDER BY 1"""
# What runs when rows of the table c are written: trigger functions, rules, and functions in defaults and checks; and
# the triggers of tables whose rows go, or change, with them.
_CODE: Final = """ARRAY(
WITH RECURSIVE reached AS (SELECT c.oid UNION SELECT k.conrelid FROM reached JOIN pg_catalog.pg_constraint k
ON k.confrelid = reached.oid AND k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')))
SELECT ARRAY[n.nspname || '.' || p.proname, pg_catalog.pg_get_functiondef(p.oid), w.nspname::text, t.relname::text]
FROM reached JOIN pg_catalog.pg_trigger g ON g.tgrelid = reached.oid JOIN pg_catalog.pg_class t ON t.oid = reached.oid
JOIN pg_catalog.pg_namespace w ON w.oid = t.relnamespace JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE NOT g.tgisinternal
UNION ALL SELECT ARRAY[r.rulename::text, pg_catalog.pg_get_ruledef(r.oid), NULL, NULL]
FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1'
UNION ALL SELECT ARRAY[n.nspname || '.' || p.proname, pg_catalog.pg_get_functiondef(p.oid), NULL, NULL]
FROM (SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass AS kind, a.oid FROM pg_catalog.pg_attrdef a WHERE a.adrelid = c.oid
UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid
AND k.contype = 'c') x JOIN pg_catalog.pg_depend d ON d.classid = x.kind AND d.objid = x.oid
AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid >= 16384)"""
# What its foreign keys refer to.
_REFERS: Final = """ARRAY(
SELECT ARRAY[n.nspname::text, f.relname::text, a.attname::text]
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = f.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid AND a.attnum = ANY (k.confkey)
WHERE k.conrelid = c.oid AND k.contype = 'f')"""


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

    def temporary(self, names: Collection[str]) -> tuple[str, ...]:
        """Those of the names (in lower case) that a temporary table or view bears: the connection takes it for what is meant."""
        found: tuple[str, ...] = self._told(_TEMPORARY, *sorted(names)) if names else ()
        return found

    def twice(self, names: Collection[str]) -> tuple[str, ...]:
        """Those of the names that stand in two schemas that are searched: the connection takes the first for what is meant."""
        if self._dialect != "postgresql" or not names:
            return ()
        found: tuple[str, ...] = self._told(_TWICE, *sorted(names))
        return found

    def elsewhere(self, names: Collection[str]) -> tuple[str, ...]:
        """Those of the names that a search path of the moment, which the session did not begin with, takes for other tables."""
        if self._dialect != "postgresql" or not names:
            return ()
        found: tuple[str, ...] = self._told(_ELSEWHERE, *sorted(names))
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
        if about in (_TEMPORARY, _TWICE):
            return self._standing_in(names, twice=about == _TWICE)
        if about == _ELSEWHERE:
            default = _literal(self._connection.dialect.default_schema_name or "")
            return tuple(
                row[0] for row in self._ask(_MOVED.format(names=", ".join(map(_literal, names)), default=default))
            )
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

    def _standing_in(self, names: Sequence[str], *, twice: bool) -> tuple[str, ...]:
        wanted = ", ".join(map(_literal, names))
        if self._dialect == "postgresql":
            rows = self._ask(
                "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = ANY (pg_catalog.current_schemas(true)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
                f"AND pg_catalog.lower(c.relname::text) IN ({wanted}) GROUP BY 1 "
                f"HAVING {'count(*) > 1' if twice else _IN_TEMPORARY} ORDER BY 1"
            )
        else:
            rows = self._ask(f"SELECT name FROM sqlite_temp_master WHERE lower(name) IN ({wanted}) ORDER BY 1")
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
        code: list[Code] = []
        reached = self._reached(name)
        for database in databases:
            wanted = _literal(name.lower())
            rows = self._ask(
                f"SELECT type, sql, name, tbl_name FROM {_identifier(database)}.sqlite_master WHERE lower(name) = {wanted} "
                f"AND type IN ('table', 'view') OR lower(tbl_name) IN ({reached}) AND type = 'trigger' "
                f"OR type = 'table' AND sql LIKE 'CREATE VIRTUAL%' AND instr({wanted}, lower(name) || '_') = 1"
            )
            # temp ones come first
            code += [Code(one, sql, None, table) for kind, sql, one, table in rows if kind == "trigger"]
            virtual = any(kind == "table" and sql.upper().startswith("CREATE VIRTUAL") for kind, sql, *_ in rows)
            for kind, sql, found, _ in rows:
                if kind == "view":
                    return Relation("view", _view_query(sql, "sqlite"), self.columns(schema, name) or (), tuple(code))
                if kind == "table" and found.lower() == name.lower():
                    # What stands beside a virtual table under its name ("found_content") is kept by its module.
                    refers = self._refers(database, name)
                    return Relation("unknown" if virtual else "table", code=tuple(code), refers=refers)
        return Relation("missing")

    def _reached(self, name: str) -> str:
        """The table, and those whose rows go or change with its own, as literals."""
        rows = self._ask(
            f"WITH RECURSIVE reached (name) AS (SELECT {_literal(name.lower())} UNION SELECT lower(m.name) FROM reached "
            "JOIN sqlite_master m ON m.type = 'table' AND m.sql LIKE '%REFERENCES%' "
            'JOIN pragma_foreign_key_list(m.name) f ON lower(f."table") = reached.name '
            "AND (f.on_delete NOT IN ('NO ACTION', 'RESTRICT') OR f.on_update NOT IN ('NO ACTION', 'RESTRICT'))) "
            "SELECT name FROM reached"
        )
        return ", ".join(_literal(found) for (found,) in rows)

    def _refers(self, database: str, name: str) -> tuple[tuple[None, str, str], ...]:
        """What SQLite's foreign keys refer to; the primary key where they name no column."""
        rows = self._ask(
            'SELECT f."table", coalesce(f."to", p.name) FROM '
            f"pragma_foreign_key_list({_literal(name)}, {_literal(database)}) f LEFT JOIN "
            f'pragma_table_info(f."table", {_literal(database)}) p ON p.pk = f.seq + 1'
        )
        return tuple((None, table, column) for table, column in rows if column)

    def _postgresql(self, schema: str | None, name: str) -> Relation:
        rows = self._ask(
            "SELECT c.relkind::text, n.nspname::text, "
            "CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END, "
            "ARRAY(SELECT p.inhparent::bigint FROM pg_catalog.pg_inherits p WHERE p.inhrelid = c.oid ORDER BY p.inhseqno), "
            f"{_CODE}, {_REFERS} "
            "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE c.oid = pg_catalog.to_regclass({_literal(_quoted(schema, name))})"
        )
        if not rows:
            return Relation("missing")
        kind, namespace, definition, parents, reacting, referred = rows[0]
        if namespace in ("pg_catalog", "information_schema", "pg_toast"):
            return Relation("system")
        columns = self.columns(schema, name) or ()
        code = tuple(Code(one, text, there or namespace, table or name) for one, text, there, table in reacting)
        if parents:  # a partition or child: its rows are its parents' too
            return Relation("view", self._of_parents(columns, parents), columns, code)
        if kind in ("v", "m"):
            return Relation("view", definition.strip().rstrip(";"), columns, code)
        refers = tuple((there, table, column) for there, table, column in referred)
        return Relation("table" if kind in ("r", "p", "S", "c", "i", "I", "t") else "unknown", code=code, refers=refers)

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
