"""The plan of a wall on PostgreSQL: which roles, which rights, which logins, which rows, and what it cannot say. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.errors import PolicyError
from sa_privacy.policy import Policy
from sa_privacy.walls.limits import is_own_table, own_tables
from sa_privacy.walls.parts import Login, NotWalled, Relation, Right, WallPlan, WallRole
from sa_privacy.walls.policies import RowPolicies, Unsaid
from sa_privacy.walls.reach import (
    Reach,
    alone,
    base_role,
    desk_role,
    ledger_role,
    maintenance_role,
    purpose_role,
    reach_of,
    role_of,
)
from sa_privacy.walls.rows import RowSources
from sa_privacy.walls.shapes import TableShape
from sa_privacy.walls.tables import ROWS, Tables

__all__ = ["DATABASE", "plan_wall"]

#: Whom an entry of the list of what is not walled concerns, where it is everybody.
DATABASE = "everybody"
_NO_ROWS = RowSources()


def plan_wall(
    policy: Policy,
    catalogue: Catalogue,
    shapes: Iterable[TableShape],
    *,
    logins: Sequence[Login] = (),
    together: Iterable[Collection[str]] = (),
    also: Iterable[Relation] = (),
    views: Iterable[Relation] = (),
    schema: str = "public",
    rows: RowSources = _NO_ROWS,
    foreign: Collection[Relation] = (),
    elsewhere: Collection[Relation] = (),
) -> WallPlan:
    """Compiles a policy for the tables given.

    :param shapes: every table that the application uses.
    :param logins: one for each trust zone.
    :param together: purposes that one access declares at once. Those of a system are known from the policy.
    :param also: tables and views without models that hold nothing personal, as ``(schema, name)``.
    :param views: views over personal tables, to be read with the rights of whoever asks.
    :param schema: the schema of tables whose models name none.
    :param rows: where conditions about rows come from, beside the policy.
    :param foreign: tables that have row policies of the application's own.
    :param elsewhere: tables that can have none, since they are kept elsewhere.
    :raises PolicyError: a login or a combination names something that the policy does not know.
    """
    combined = [_checked(policy, combination) for combination in together]
    sets = _purpose_sets(policy, combined)
    roles = [WallRole(base_role(policy))]
    for purposes in sets:
        grant = alone(policy, *purposes)
        if role_of(grant, catalogue) == purpose_role(policy, purposes):
            roles.append(WallRole(purpose_role(policy, purposes), purposes, reach_of(grant, catalogue)))
    if policy.keeps_ledgers or own_tables(catalogue):
        everything = _everything(catalogue)
        roles += [
            WallRole(ledger_role(policy), ledgers=True),
            WallRole(desk_role(policy), (), everything, ledgers=True),
        ]
    if any(role.maintenance for role in policy.roles.values()):
        roles.append(WallRole(maintenance_role(policy), maintenance=True))
    everyone = (roles[0].name, *(login.name for login in logins))
    tables = Tables(catalogue, tuple(shapes), schema)
    rights = {right for role in roles for right in tables.rights(role, everyone if role is roles[0] else (role.name,))}
    for thing in also:
        rights.update(Right("table", thing, name, privilege) for name in everyone for privilege in ROWS)
        rights.update(Right("schema", (thing[0], ""), name, "USAGE") for name in everyone)
    views = tuple(views)
    for view in views:
        rights.update(Right("table", view, name, "SELECT") for name in everyone)
    acting = {role.name: role.purposes for role in roles if role.purposes}
    may_read = {name: tables.readable(rights, {name, roles[0].name}) for name in acting}
    limited = RowPolicies(
        policy,
        catalogue,
        tables.shapes,
        rows,
        schema=schema,
        may_read=may_read,
        foreign=frozenset(foreign),
        elsewhere=frozenset(elsewhere),
    )
    policies = limited.planned(acting)
    for name, place, column in limited.reads:
        rights.add(Right("table", place, name, "SELECT", column))
        rights.add(Right("schema", (place[0], ""), name, "USAGE"))
    return WallPlan(
        policy=policy.id,
        roles=tuple(roles),
        members={login.name: _members(policy, roles, login) for login in logins},
        rights=frozenset(rights),
        personal=(*tables.personal, *views),
        views=views,
        not_walled=tuple(_not_walled(roles, tables, limited.unsaid)),
        unknown=tables.unknown,
        policies=policies,
    )


def _purpose_sets(policy: Policy, together: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Every purpose that somebody may act for, by itself, and the combinations that are declared at once."""
    acted = set(policy.purposes) if not policy.roles else {p for role in policy.roles.values() for p in role.reachable}
    jobs = [tuple(sorted(job.purposes)) for job in policy.systems.values()]
    acted |= {purpose for job in jobs for purpose in job}
    combined = {purposes for purposes in (*jobs, *together) if len(purposes) > 1}
    return [*((purpose,) for purpose in policy.purposes if purpose in acted), *sorted(combined)]


def _checked(policy: Policy, combination: Collection[str]) -> tuple[str, ...]:
    purposes = tuple(sorted(set(combination)))
    _known(purposes, policy.purposes, "purpose")
    able = [role.reachable for role in policy.roles.values()] or [frozenset(policy.purposes)]
    acting = frozenset[str]().union(*able)
    systems = [job.purposes for job in policy.systems.values()]
    if not (acting.issuperset(purposes) or any(job.issuperset(purposes) for job in systems)):
        raise PolicyError(
            f"nobody may act for {', '.join(purposes)} together.",
            hint="name a combination of purposes that roles of the policy act for.",
        )
    return purposes


def _members(policy: Policy, roles: Sequence[WallRole], login: Login) -> tuple[str, ...]:
    """The database roles that a login may become: those of its own trust zone only."""
    _known(login.roles or (), policy.roles, "role")
    _known(login.systems or (), policy.systems, "system")
    acting = tuple(policy.roles) if login.roles is None else login.roles
    jobs = login.systems if login.systems is not None else tuple(policy.systems) if login.roles is None else ()
    reached = frozenset[str]().union(*(policy.roles[name].reachable for name in acting))
    if not policy.roles and login.roles is None:
        reached = frozenset(policy.purposes)
    zones = [reached, *(policy.systems[name].purposes for name in jobs)]
    discloses = login.desk or login.roles is None or any(policy.roles[name].disclose for name in acting)
    maintains = login.roles is not None and any(policy.roles[name].maintenance for name in login.roles)

    def within(role: WallRole) -> bool:
        if role.maintenance:
            return maintains
        if role.ledgers:
            return discloses or not role.reach.reads
        return not role.purposes or any(zone.issuperset(role.purposes) for zone in zones)

    return tuple(role.name for role in roles if within(role))


def _known(names: Iterable[str], known: Collection[str], what: str) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise PolicyError(
                f'the policy knows no {what} "{name}".',
                hint=f'did you mean "{near[0]}"?' if near else f"{what}s of the policy: {', '.join(known) or 'none'}.",
            )


def _everything(catalogue: Catalogue) -> Reach:
    """All personal columns of the application."""
    columns = frozenset(
        column.name for table in catalogue if not is_own_table(table) for column in table.columns.values()
    )
    return Reach(columns, columns, columns)


def _not_walled(roles: Sequence[WallRole], tables: Tables, unsaid: Sequence[Unsaid]) -> Iterator[NotWalled]:
    nullable = tables.nullable()
    if nullable:
        why = "a new row may hold a value: an ORM INSERT names every column, and grants cannot tell a NULL from a value"
        yield NotWalled(DATABASE, why, nullable, "insert")
    for role in roles:
        if role.reach.matches - role.reach.reads:
            why = "may be matched but not read: grants cannot tell the two apart, so the database lets it be read"
            yield NotWalled(role.name, why, tuple(sorted(role.reach.matches - role.reach.reads)), "match")
        if role.reach.reads - role.reach.matches:
            why = "may be read but not matched: grants cannot tell the two apart, so the database lets it be matched"
            yield NotWalled(role.name, why, tuple(sorted(role.reach.reads - role.reach.matches)), "read")
    for role_name, why, kind in dict.fromkeys((one.role, one.why, one.kind) for one in unsaid):
        what = sorted({one.table for one in unsaid if (one.role, one.why, one.kind) == (role_name, why, kind)})
        said = {"rows": "shows everybody's rows", "consent": "shows rows whoever agreed", "rule": "keeps no such rule"}[
            kind
        ]
        yield NotWalled(role_name or DATABASE, f"the database {said}: {why}", tuple(what), kind)
