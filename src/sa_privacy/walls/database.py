"""What a PostgreSQL database says of itself: roles, rights, memberships, views. Reads its catalogue, changes nothing."""

# ruff: noqa: S608 - SQL made here from constants; values are parameters
from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TEXT

from sa_privacy.walls.ddl import POLICY_STATE
from sa_privacy.walls.parts import Relation, Right
from sa_privacy.walls.shapes import ColumnShape, TableShape

__all__ = ["Database", "DatabaseRole", "FoundPolicy"]

_INVOKER_VIEWS = 150000  # the version that knows security_invoker
_MEMBERSHIP_OPTIONS = 160000  # the version from which each membership says whether it inherits


@dataclass(frozen=True, slots=True)
class DatabaseRole:
    """What a role is.

    :param marks: in words, what makes it more than any wall can hold.
    """

    can_login: bool
    inherits: bool
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundPolicy:
    """A row policy.

    :param source: the digest of what was planned, by its comment.
    :param made: the digest of what the database made of that, by its comment.
    :param state: the digest of what it says now.
    """

    table: Relation
    name: str
    permissive: bool
    source: str
    made: str
    state: str


class Database:
    """Asks PostgreSQL's catalogue, through parameters only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.version = int(self._one("SELECT current_setting('server_version_num')"))
        self.schema = str(self._one("SELECT coalesce(current_schema(), 'public')::text"))
        rows = self._ask(
            "SELECT rolname::text, rolcanlogin, rolinherit, rolsuper, rolbypassrls, rolcreaterole FROM pg_catalog.pg_roles"
        )
        marks = ("a superuser", "free of row security", "allowed to make roles")
        self.roles = {
            row[0]: DatabaseRole(row[1], row[2], tuple(m for m, is_so in zip(marks, row[3:], strict=True) if is_so))
            for row in rows
        }

    def _ask(self, sql: str, **values: Any) -> list[Any]:
        statement = text(sql).bindparams(*(bindparam(name, type_=_type_of(value)) for name, value in values.items()))
        return list(self._connection.execute(statement, values))

    def _one(self, sql: str) -> Any:
        return self._connection.execute(text(sql)).scalar_one()

    def shapes(self, wanted: Sequence[TableShape]) -> tuple[tuple[TableShape, ...], tuple[str, ...]]:
        """The tables as they really are, and the names of those that are missing."""
        rows = self._ask(
            "SELECT n.nspname::text, c.relname::text, a.attname::text, NOT a.attnotnull FROM pg_catalog.pg_attribute a "
            "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND c.relname = ANY(:names) "
            "ORDER BY a.attnum",
            names=[shape.table for shape in wanted],
        )
        columns: dict[Relation, list[ColumnShape]] = {}
        for schema, table, name, nullable in rows:
            columns.setdefault((schema, table), []).append(ColumnShape(name, nullable))
        sequences = self._sequences()
        found, missing = [], []
        for shape in wanted:
            thing = (shape.schema or self.schema, shape.table)
            if thing in columns:
                real = TableShape(shape.schema, shape.table, tuple(columns[thing]), tuple(sequences.get(thing, ())))
                found.append(real)
            else:
                missing.append(shape.name)
        return tuple(found), tuple(missing)

    def _sequences(self) -> dict[Relation, list[Relation]]:
        """The sequences that a table's defaults draw from; those of identity columns need no right."""
        rows = self._ask(
            "SELECT DISTINCT tn.nspname::text, t.relname::text, sn.nspname::text, s.relname::text "
            "FROM pg_catalog.pg_depend d "
            "JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' "
            "JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace "
            "JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid "
            "JOIN pg_catalog.pg_class t ON t.oid = f.adrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace "
            "WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass"
        )
        found: dict[Relation, list[Relation]] = {}
        for schema, table, place, name in sorted(rows):
            found.setdefault((schema, table), []).append((place, name))
        return found

    def views(self, tables: Sequence[Relation]) -> tuple[list[Relation], list[Relation]]:
        """Views over these tables that can be read with the asker's rights, and those that nobody may read."""
        rows = self._ask(
            "WITH RECURSIVE shown(oid) AS ("
            "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "JOIN unnest(CAST(:schemas AS text[]), CAST(:names AS text[])) AS t(s, r) ON t.s = n.nspname AND t.r = c.relname "
            "UNION SELECT r.ev_class FROM shown JOIN pg_catalog.pg_depend d ON d.refobjid = shown.oid "
            "AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.classid = 'pg_catalog.pg_rewrite'::regclass "
            "JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid AND r.ev_class <> shown.oid) "
            "SELECT n.nspname::text, c.relname::text, c.relkind::text FROM shown JOIN pg_catalog.pg_class c USING (oid) "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') ORDER BY 1, 2",
            schemas=[schema for schema, _ in tables],
            names=[name for _, name in tables],
        )
        invokers = self.version >= _INVOKER_VIEWS
        open_ = [(schema, name) for schema, name, kind in rows if kind == "v" and invokers]
        return open_, [(schema, name) for schema, name, _ in rows if (schema, name) not in open_]

    def lax(self, views: Sequence[Relation]) -> list[Relation]:
        """Those of the views that show what their owner may see."""
        rows = self._ask(
            "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND NOT EXISTS ("
            "SELECT FROM unnest(c.reloptions) o WHERE o IN ('security_invoker=true', 'security_invoker=on', "
            "'security_invoker=1', 'security_invoker=yes'))"
        )
        found = {(schema, name) for schema, name in rows}
        return [view for view in views if view in found]

    def functions_of_their_owners(self, schemas: Collection[str]) -> list[str]:
        """Functions that run as their owner and that anybody may call."""
        rows = self._ask(
            "SELECT DISTINCT n.nspname || '.' || p.proname FROM pg_catalog.pg_proc p "
            "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname = ANY(:schemas) "
            "AND EXISTS (SELECT FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a "
            "WHERE a.grantee = 0) ORDER BY 1",
            schemas=sorted(schemas),
        )
        return [str(row[0]) for row in rows]

    def rights(self, grantees: Collection[str]) -> Iterator[Right]:
        """Every right in this database of these roles, and every right of PUBLIC on tables of applications."""
        rows = self._ask(
            "WITH held AS ("
            "SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, c.relnamespace AS place, "
            "c.relname::text AS name, '' AS part, x.grantee, x.privilege_type "
            "FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) x WHERE x.grantee <> c.relowner "
            "UNION ALL SELECT 'table', c.relnamespace, c.relname::text, a.attname::text, x.grantee, x.privilege_type "
            "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid, "
            "pg_catalog.aclexplode(a.attacl) x WHERE NOT a.attisdropped AND x.grantee <> c.relowner "
            "UNION ALL SELECT 'schema', n.oid, '', '', x.grantee, x.privilege_type "
            "FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) x WHERE x.grantee <> n.nspowner) "
            "SELECT h.kind, n.nspname::text, h.name, coalesce(r.rolname::text, 'PUBLIC'), h.privilege_type, h.part "
            "FROM held h JOIN pg_catalog.pg_namespace n ON n.oid = h.place "
            "LEFT JOIN pg_catalog.pg_roles r ON r.oid = h.grantee "
            "WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') "
            "AND (h.grantee = 0 OR r.rolname = ANY(:grantees))",
            grantees=sorted(grantees),
        )
        for kind, schema, name, grantee, privilege, column in rows:
            yield Right(kind, (schema, name), grantee, privilege, column)

    def policies(self) -> list[FoundPolicy]:
        """Every row policy of this database."""
        # What the database tells of a condition depends on the search path, so that is made the same each time.
        path = self._one("SELECT current_setting('search_path')")
        rows = self._ask(
            "WITH fixed AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS path) "
            "SELECT n.nspname::text, c.relname::text, p.polname::text, p.polpermissive, "
            "obj_description(p.oid, 'pg_policy'), CASE WHEN fixed.path IS NOT NULL THEN "
            + POLICY_STATE
            + " END FROM fixed, pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2, 3"
        )
        self._ask("SELECT set_config('search_path', :path, true)", path=path)
        return [FoundPolicy((row[0], row[1]), row[2], row[3], *_split(row[4]), row[5]) for row in rows]

    def guarded(self) -> set[Relation]:
        """The tables with row level security."""
        rows = self._ask(
            "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relrowsecurity"
        )
        return {(row[0], row[1]) for row in rows}

    def elsewhere(self) -> set[Relation]:
        """The tables that are kept elsewhere."""
        rows = self._ask(
            "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'f'"
        )
        return {(row[0], row[1]) for row in rows}

    def memberships(self, names: Collection[str]) -> set[tuple[str, str]]:
        """``(member, role)`` wherever one of them is among `names`."""
        # Whoever makes a role may hand it on, from PostgreSQL 16, without being able to act as it.
        rows = self._ask(
            "SELECT m.rolname::text, r.rolname::text, m.rolsuper FROM pg_catalog.pg_auth_members x "
            "JOIN pg_catalog.pg_roles m ON m.oid = x.member JOIN pg_catalog.pg_roles r ON r.oid = x.roleid "
            "WHERE (m.rolname = ANY(:names) OR r.rolname = ANY(:names)) "
            "AND (coalesce(CAST(to_jsonb(x) ->> 'inherit_option' AS boolean), true) "
            "OR coalesce(CAST(to_jsonb(x) ->> 'set_option' AS boolean), true))",
            names=sorted(names),
        )
        # A superuser needs no membership, and is none of this wall's matter.
        return {(row[0], row[1]) for row in rows if not row[2] or row[0] in names}

    def inherited(self, member: str) -> set[str]:
        """What a member inherits whatever its own attribute says: from PostgreSQL 16, each membership tells."""
        if self.version < _MEMBERSHIP_OPTIONS:
            return set()
        rows = self._ask(
            "SELECT r.rolname::text FROM pg_catalog.pg_auth_members x "
            "JOIN pg_catalog.pg_roles m ON m.oid = x.member JOIN pg_catalog.pg_roles r ON r.oid = x.roleid "
            "WHERE m.rolname = :member AND x.inherit_option",
            member=member,
        )
        return {row[0] for row in rows}

    def owned(self, name: str) -> set[Relation]:
        """The relations that a role owns."""
        rows = self._ask(
            "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles r ON r.oid = c.relowner "
            "WHERE r.rolname = :name",
            name=name,
        )
        return {(row[0], row[1]) for row in rows}


def _split(comment: str | None) -> tuple[str, str]:
    source, _, made = (comment or "").partition(" ")
    return source, made


def _type_of(value: object) -> Any:
    return ARRAY(TEXT) if isinstance(value, list) else TEXT()
