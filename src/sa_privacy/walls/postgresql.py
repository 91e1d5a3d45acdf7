"""What a PostgreSQL database says of itself, and how it differs from the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TEXT

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.walls.ddl import statements
from sa_privacy.walls.plan import DATABASE, Login, NotWalled, Relation, Right, WallPlan, plan_wall
from sa_privacy.walls.reach import base_role
from sa_privacy.walls.shapes import ColumnShape, TableShape

__all__ = ["Drift", "Inspection", "apply_wall", "inspect_wall"]

_INVOKER_VIEWS = 150000  # the version that knows security_invoker
_MEMBERSHIP_OPTIONS = 160000


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One way in which the database differs from the plan.

    :param kind: ``"missing"``: the plan has it and the database does not; ``"extra"``: the other way round;
        ``"role"``: a role is not what it should be.
    :param mends: whether ``apply`` mends it.
    """

    kind: str
    role: str
    what: str
    mends: bool = True

    def __str__(self) -> str:
        return f"{self.role}: {self.what}"


@dataclass(frozen=True, slots=True)
class Inspection:
    """The plan for one database, how the database differs from it, and the SQL that mends that.

    :param missing: tables of the models that the database does not have.
    """

    plan: WallPlan
    drift: tuple[Drift, ...]
    sql: tuple[str, ...]
    missing: tuple[str, ...] = ()


def inspect_wall(
    connection: Connection,
    policy: Policy,
    catalogue: Catalogue,
    shapes: Sequence[TableShape],
    *,
    logins: Sequence[Login] = (),
    together: Iterable[Collection[str]] = (),
    also: Iterable[Relation] = (),
) -> Inspection:
    """Reads the database's catalogue, and changes nothing.

    :param connection: as the owner of the tables, or a superuser.
    """
    database = _Database(connection)
    real, missing = database.shapes(shapes)
    personal = [(s.schema or database.schema, s.table) for s in real if _is_personal(catalogue, s)]
    views, closed = database.views(personal)
    plan = plan_wall(
        policy,
        catalogue,
        real,
        logins=logins,
        together=together,
        also=also,
        views=views,
        schema=database.schema,
    )
    functions = database.functions_of_their_owners({thing[0] for thing in personal})
    notes = [NotWalled(DATABASE, "runs with the rights of its owner, whatever it reads", tuple(functions), "function")]
    plan = replace(
        plan, personal=(*plan.personal, *closed), not_walled=(*plan.not_walled, *(n for n in notes if n.what))
    )
    return _compared(database, plan, missing, f"{base_role(policy)}/")


def apply_wall(connection: Connection, inspection: Inspection) -> None:
    """Runs the statements of an inspection, on the connection and in the transaction that it was made in."""
    plainly = connection.execution_options(no_parameters=True)  # a name may hold a "%"
    for statement in inspection.sql:
        plainly.exec_driver_sql(statement)


def _is_personal(catalogue: Catalogue, shape: TableShape) -> bool:
    return any(table.columns for table in catalogue.find(shape.schema, shape.table))


def _compared(database: _Database, plan: WallPlan, missing: tuple[str, ...], prefix: str) -> Inspection:
    known = {role.name for role in plan.roles} | set(plan.members)
    old = {name for name in database.roles if name.startswith(prefix) and name not in known}
    ours = known | old
    there = {
        right
        for right in database.rights(ours)
        if right.grantee in ours or right.thing in plan.personal or right.kind == "schema"
    }
    everybody = {(right.kind, right.thing, right.privilege) for right in there if right.grantee == "PUBLIC"}
    there -= {right for right in there if right.grantee == "PUBLIC" and right.kind != "table"}
    lacking, surplus = plan.rights - there, there - plan.rights
    # Only the owner of a schema can grant its use, and everybody may have it anyway.
    lacking -= {r for r in lacking if r.kind == "schema" and (r.kind, r.thing, r.privilege) in everybody}
    wanted = {(role.name, plan.base.name) for role in plan.roles[1:]}
    wanted |= {(login, role) for login, roles in plan.members.items() for role in roles}
    held = database.memberships(ours)
    strangers = {(member, role) for member, role in held if (member, role) not in wanted and (member in ours)}
    outsiders = {(member, role) for member, role in strangers if role in ours}
    # Whoever else is a member of such a role was made one by hand.
    guests = {(member, role) for member, role in held - wanted - strangers if role in ours}
    drift = [
        *(Drift("missing", right.grantee, str(right)) for right in lacking),
        *(Drift("extra", right.grantee, str(right)) for right in surplus),
        *(Drift("missing", member, f"member of {role}") for member, role in wanted - held),
        *(Drift("extra", member, f"member of {role}", mends=role in ours) for member, role in strangers),
        *(
            Drift("extra", member, f"member of {role}, and no login of the plan", mends=False)
            for member, role in guests
        ),
        *_role_drift(database, plan),
        *(Drift("role", f"{view[0]}.{view[1]}", "not security_invoker") for view in database.lax(plan.views)),
    ]
    sql = statements(plan, existing=database.roles.keys(), version=database.version, stale=surplus, outsiders=outsiders)
    return Inspection(plan, tuple(sorted(drift)), tuple(sql) if drift else (), missing)


def _role_drift(database: _Database, plan: WallPlan) -> Iterator[Drift]:
    tables = {right.thing for right in plan.rights if right.kind == "table"}
    for name in (*(role.name for role in plan.roles), *plan.members):
        login = name in plan.members
        found = database.roles.get(name)
        if found is None:
            yield Drift("missing", name, "the role itself")
            continue
        if found.can_login is not login:
            yield Drift("role", name, "may not log in" if login else "may log in")
        if found.inherits is login:
            yield Drift("role", name, "inherits what it is a member of" if login else "does not inherit the base role")
        if login:
            for role in sorted(database.inherited(name)):
                yield Drift("role", name, f"inherits {role} without asking for it")
        for mark in found.marks:
            yield Drift("role", name, f"is {mark}: no wall holds it", mends=False)
        for schema, table in sorted(tables & database.owned(name)):
            yield Drift("role", name, f"owns {schema}.{table}: an owner needs no grant", mends=False)


@dataclass(frozen=True, slots=True)
class _Role:
    can_login: bool
    inherits: bool
    marks: tuple[str, ...]


class _Database:
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
            row[0]: _Role(row[1], row[2], tuple(m for m, is_so in zip(marks, row[3:], strict=True) if is_so))
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


def _type_of(value: object) -> Any:
    return ARRAY(TEXT) if isinstance(value, list) else TEXT()
