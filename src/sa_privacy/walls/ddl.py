"""A plan as SQL for PostgreSQL: statements that may be run again and again, in one transaction."""

# ruff: noqa: S608 - names are quoted, values are literals or digests
from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator

from sa_privacy.walls.parts import Relation, Right, WallPlan
from sa_privacy.walls.policies import RowPolicy
from sa_privacy.walls.quoting import identifier, literal

__all__ = ["POLICY_STATE", "identifier", "literal", "policy_source", "statements"]

#: What a row policy (``p`` of ``pg_policy``) says now, as the database tells it. Its text depends on the search path.
POLICY_STATE = (
    "pg_catalog.md5(pg_catalog.concat_ws('|', p.polcmd, p.polpermissive, "
    "(SELECT pg_catalog.string_agg(coalesce(r.rolname, ''), ',' ORDER BY r.rolname) FROM pg_catalog.unnest(p.polroles) u(o) "
    "LEFT JOIN pg_catalog.pg_roles r ON r.oid = u.o), "
    "pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)))"
)
_MEMBERSHIP_OPTIONS = 160000  # the version from which each membership says whether it inherits


def statements(
    plan: WallPlan,
    *,
    existing: Collection[str] | None = None,
    version: int = 0,
    stale: Iterable[Right] = (),
    outsiders: Iterable[tuple[str, str]] = (),
    standing: Collection[RowPolicy] = (),
    surplus: Iterable[tuple[Relation, str]] = (),
    unguarded: Iterable[Relation] = (),
) -> list[str]:
    """The SQL that makes the database be as planned, in order.

    :param existing: roles that are there already; None where nobody asked: each is then made only if it is missing.
    :param version: the server's, e.g. 150004; 0 where it is not known.
    :param stale: rights that should go and that no other statement takes away.
    :param outsiders: memberships ``(member, role)`` that should go.
    :param standing: row policies that are there as planned.
    :param surplus: row policies ``(table, name)`` that should go.
    :param unguarded: tables whose row level security should go with the last policy.
    """
    return [
        *_roles(plan, existing),
        *(f"REVOKE {identifier(role)} FROM {identifier(member)}" for member, role in sorted(outsiders)),
        *_memberships(plan, version),
        *(f"ALTER VIEW {identifier(*view)} SET (security_invoker = true)" for view in plan.views),
        *_revoked(plan, stale),
        *_granted(plan.rights),
        *(f"DROP POLICY IF EXISTS {identifier(name)} ON {identifier(*table)}" for table, name in sorted(surplus)),
        *(f"ALTER TABLE {identifier(*table)} DISABLE ROW LEVEL SECURITY" for table in sorted(unguarded)),
        *_policies(plan, standing),
    ]


def _roles(plan: WallPlan, existing: Collection[str] | None) -> Iterator[str]:
    wanted = [(role.name, "NOLOGIN INHERIT") for role in plan.roles]
    wanted += [(login, "LOGIN NOINHERIT") for login in plan.members]
    for name, attributes in wanted:
        create = f"CREATE ROLE {identifier(name)} {attributes}"
        if existing is None:
            yield f"DO $wall$ BEGIN {create}; EXCEPTION WHEN duplicate_object THEN NULL; END $wall$"
        elif name not in existing:
            yield create
            continue
        yield f"ALTER ROLE {identifier(name)} {attributes}"


def _memberships(plan: WallPlan, version: int) -> Iterator[str]:
    inherits, sets = (
        (" WITH INHERIT TRUE", " WITH INHERIT FALSE, SET TRUE") if version >= _MEMBERSHIP_OPTIONS else ("", "")
    )
    above = [identifier(role.name) for role in plan.roles[1:]]
    if above:
        yield f"GRANT {identifier(plan.base.name)} TO {', '.join(above)}{inherits}"
    for login, roles in plan.members.items():
        yield f"GRANT {', '.join(identifier(role) for role in roles)} TO {identifier(login)}{sets}"


def _revoked(plan: WallPlan, stale: Iterable[Right]) -> Iterator[str]:
    """What these roles, and PUBLIC, held before; the grants that follow in the same transaction say what they hold now."""
    names = [*(role.name for role in plan.roles), *plan.members]
    ours = [identifier(name) for name in names]
    others = {right.thing for right in plan.rights if right.kind == "table"} - set(plan.personal)
    for relation in sorted(plan.personal):
        yield f"REVOKE ALL ON {identifier(*relation)} FROM {', '.join(['PUBLIC', *ours])}"
    for relation in sorted(others):
        yield f"REVOKE ALL ON {identifier(*relation)} FROM {', '.join(ours)}"
    for right in sorted(stale):
        if right.grantee in {"PUBLIC", *names} and right.thing in {*plan.personal, *others}:
            continue
        column = f" ({identifier(right.column)})" if right.column else ""
        yield f"REVOKE {right.privilege}{column} ON {_kind(right)}{_thing(right)} FROM {_who(right.grantee)}"


def policy_source(policy: RowPolicy) -> str:
    """A digest of a row policy as planned, which stands in its comment."""
    said = json.dumps([policy.roles, policy.using, policy.check, policy.restrictive])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _policies(plan: WallPlan, standing: Collection[RowPolicy]) -> Iterator[str]:
    """The row policies. Each is commented with what was planned and what the database made of it, to be compared later."""
    for table in plan.guarded:
        yield f"ALTER TABLE {identifier(*table)} ENABLE ROW LEVEL SECURITY"
    made = [policy for policy in plan.policies if policy not in standing]
    for policy in made:
        on = f"{identifier(policy.name)} ON {identifier(*policy.table)}"
        kind = "RESTRICTIVE" if policy.restrictive else "PERMISSIVE"
        roles = ", ".join(identifier(role) for role in policy.roles) or "PUBLIC"
        yield f"DROP POLICY IF EXISTS {on}"
        yield f"CREATE POLICY {on} AS {kind} FOR ALL TO {roles} USING ({policy.using}) WITH CHECK ({policy.check})"
        yield f"COMMENT ON POLICY {on} IS {literal(policy_source(policy))}"
    if made:
        names = ", ".join(literal(name) for name in sorted({policy.name for policy in made}))
        yield (
            "DO $wall$ DECLARE path text := pg_catalog.current_setting('search_path'); found record; BEGIN "
            "PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true); "
            "FOR found IN SELECT p.polname, n.nspname, c.relname, pg_catalog.obj_description(p.oid, 'pg_policy') AS said, "
            f"{POLICY_STATE} AS state FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid "
            f"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.polname IN ({names}) LOOP "
            "EXECUTE 'COMMENT ON POLICY ' || pg_catalog.quote_ident(found.polname) || ' ON ' || "
            "pg_catalog.quote_ident(found.nspname) || '.' || pg_catalog.quote_ident(found.relname) || ' IS ' || "
            "pg_catalog.quote_literal(pg_catalog.split_part(found.said, ' ', 1) || ' ' || found.state); END LOOP; "
            "PERFORM pg_catalog.set_config('search_path', path, true); END $wall$"
        )


def _granted(rights: Collection[Right]) -> Iterator[str]:
    """One GRANT for each thing and set of grantees that hold the same."""
    held: dict[tuple[str, Relation, str], dict[str, list[str]]] = {}
    order = {"schema": 0, "sequence": 2}
    for right in sorted(rights):
        columns = held.setdefault((right.kind, right.thing, right.grantee), {}).setdefault(right.privilege, [])
        if right.column:
            columns.append(right.column)
    grouped: dict[tuple[str, Relation, str], list[str]] = {}
    for (kind, thing, grantee), privileges in held.items():
        listed = ", ".join(
            f"{privilege} ({', '.join(identifier(column) for column in columns)})" if columns else privilege
            for privilege, columns in sorted(privileges.items(), key=lambda each: _ORDER.index(each[0]))
        )
        grouped.setdefault((kind, thing, listed), []).append(grantee)
    for (kind, thing, listed), grantees in sorted(
        grouped.items(), key=lambda each: (order.get(each[0][0], 1), each[0])
    ):
        right = Right(kind, thing, "", "")  # type: ignore[arg-type]
        yield f"GRANT {listed} ON {_kind(right)}{_thing(right)} TO {', '.join(identifier(name) for name in grantees)}"


_ORDER = ("USAGE", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")


def _kind(right: Right) -> str:
    return "" if right.kind == "table" else f"{right.kind.upper()} "


def _thing(right: Right) -> str:
    return identifier(*(part for part in right.thing if part))


def _who(name: str) -> str:
    return "PUBLIC" if name == "PUBLIC" else identifier(name)
