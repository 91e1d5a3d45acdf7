"""How a PostgreSQL database differs from its plan, and the SQL that mends it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.walls.database import Database, FoundPolicy
from sa_privacy.walls.ddl import policy_source, statements
from sa_privacy.walls.parts import Login, NotWalled, Relation, WallPlan
from sa_privacy.walls.plan import DATABASE, plan_wall
from sa_privacy.walls.policies import RowPolicy
from sa_privacy.walls.reach import base_role
from sa_privacy.walls.rows import RowSources
from sa_privacy.walls.shapes import TableShape

__all__ = ["Drift", "Inspection", "apply_wall", "inspect_wall"]


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One way in which the database differs from the plan.

    :param kind: ``"missing"``: the plan has it and the database does not; ``"extra"``: the other way round;
        ``"changed"``: a row policy says something else; ``"role"``: a role is not what it should be.
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
    rows: RowSources | None = None,
) -> Inspection:
    """Reads the database's catalogue, and changes nothing.

    :param connection: as the owner of the tables, or a superuser.
    :param rows: where conditions about rows come from, beside the policy.
    """
    database = Database(connection)
    real, missing = database.shapes(shapes)
    personal = [(s.schema or database.schema, s.table) for s in real if _is_personal(catalogue, s)]
    views, closed = database.views(personal)
    policies = database.policies()
    plan = plan_wall(
        policy,
        catalogue,
        real,
        logins=logins,
        together=together,
        also=also,
        views=views,
        schema=database.schema,
        rows=rows or RowSources(),
        elsewhere=database.elsewhere(),
        foreign=[one.table for one in policies if one.permissive and not _is_ours(one.name, policy)],
    )
    functions = database.functions_of_their_owners({thing[0] for thing in personal})
    notes = [NotWalled(DATABASE, "runs with the rights of its owner, whatever it reads", tuple(functions), "function")]
    plan = replace(
        plan, personal=(*plan.personal, *closed), not_walled=(*plan.not_walled, *(n for n in notes if n.what))
    )
    standing = [one for one in policies if _is_ours(one.name, policy)]
    return _compared(database, plan, missing, standing, lambda name: _is_ours(name, policy))


def apply_wall(connection: Connection, inspection: Inspection) -> None:
    """Runs the statements of an inspection, on the connection and in the transaction that it was made in."""
    plainly = connection.execution_options(no_parameters=True)  # a name may hold a "%"
    for statement in inspection.sql:
        plainly.exec_driver_sql(statement)


def _is_personal(catalogue: Catalogue, shape: TableShape) -> bool:
    return any(table.columns for table in catalogue.find(shape.schema, shape.table))


def _is_ours(name: str, policy: Policy) -> bool:
    """Whether a role or a row policy of this name is this wall's."""
    base = base_role(policy)
    return name == base or name.startswith((f"{base}/", f"{base}+"))


def _compared(
    database: Database,
    plan: WallPlan,
    missing: tuple[str, ...],
    policies: Sequence[FoundPolicy],
    is_ours: Callable[[str], bool],
) -> Inspection:
    known = {role.name for role in plan.roles} | set(plan.members)
    old = {name for name in database.roles if is_ours(name) and name not in known}
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
        *_policy_drift(database, plan, policies),
    ]
    wanted_policies = {(one.table, one.name): one for one in plan.policies}
    gone = [(one.table, one.name) for one in policies if (one.table, one.name) not in wanted_policies]
    sql = statements(
        plan,
        existing=database.roles.keys(),
        version=database.version,
        stale=surplus,
        outsiders=outsiders,
        standing=[wanted_policies[one.table, one.name] for one in policies if _stands(one, wanted_policies)],
        surplus=gone,
        unguarded={table for table, name in gone if name == plan.base.name} - set(plan.guarded),
    )
    return Inspection(plan, tuple(sorted(drift)), tuple(sql) if drift else (), missing)


def _stands(found: FoundPolicy, wanted: Mapping[tuple[Relation, str], RowPolicy]) -> bool:
    """Whether a row policy is as planned, and as it was made."""
    planned = wanted.get((found.table, found.name))
    return planned is not None and found.source == policy_source(planned) and found.made == found.state


def _policy_drift(database: Database, plan: WallPlan, policies: Sequence[FoundPolicy]) -> Iterator[Drift]:
    wanted = {(one.table, one.name): one for one in plan.policies}
    for schema, table in sorted(set(plan.guarded) - database.guarded()):
        yield Drift("missing", f"{schema}.{table}", "row level security")
    there = {(one.table, one.name) for one in policies}
    for (schema, table), name in sorted(wanted.keys() - there):
        yield Drift("missing", name, f"row policy on {schema}.{table}")
    for found in policies:
        where = f"row policy on {found.table[0]}.{found.table[1]}"
        if (found.table, found.name) not in wanted:
            yield Drift("extra", found.name, where)
        elif not _stands(found, wanted):
            yield Drift("changed", found.name, where)


def _role_drift(database: Database, plan: WallPlan) -> Iterator[Drift]:
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
