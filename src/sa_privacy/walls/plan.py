"""The plan of a wall on PostgreSQL: which roles, which rights, which logins, and what it cannot say. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sa_privacy.columns.catalogue import Catalogue, PersonalColumn
from sa_privacy.errors import PolicyError
from sa_privacy.policy import Policy
from sa_privacy.walls.limits import is_own_table
from sa_privacy.walls.policies import Relation, RowPolicies, RowPolicy, Unsaid
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

__all__ = ["DATABASE", "Login", "NotWalled", "Relation", "Right", "WallPlan", "WallRole", "plan_wall"]

Kind = Literal["table", "sequence", "schema"]

#: Whom an entry of the list of what is not walled concerns, where it is everybody.
DATABASE = "everybody"
_NO_ROWS = RowSources()
_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One privilege of one role.

    :param thing: ``(schema, name)`` of a table, view or sequence; ``(schema, "")`` of a schema.
    :param column: the column, or empty for the whole.
    """

    kind: Kind
    thing: Relation
    grantee: str
    privilege: str
    column: str = ""

    def __str__(self) -> str:
        where = f"{self.thing[0]}.{self.thing[1]}" if self.thing[1] else self.thing[0]
        return f"{self.privilege} on {where}{f'.{self.column}' if self.column else ''}"


@dataclass(frozen=True, slots=True)
class WallRole:
    """One role of the database that stands for a grant.

    :param purposes: the purposes it stands for; empty for the base role, those of the desk and that of maintenance.
    :param ledgers: it reads and writes the library's own tables.
    """

    name: str
    purposes: tuple[str, ...] = ()
    reach: Reach = field(default_factory=Reach)
    maintenance: bool = False
    ledgers: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """What the application logs in as, for one trust zone.

    :param roles: the policy's roles that act in this zone; None: all, without maintenance.
    :param systems: the policy's systems that run in this zone; None: all, where `roles` is None too, else none.
    :param desk: the library reads people's data at its desk in this zone: it discloses, and answers requests. So it does
        where `roles` is None, or one of them may disclose.
    """

    name: str
    roles: tuple[str, ...] | None = None
    systems: tuple[str, ...] | None = None
    desk: bool = False


@dataclass(frozen=True, slots=True, order=True)
class NotWalled:
    """Something that the policy says and the database's rules cannot: there the gate stands alone.

    :param role: the database role concerned, or "everybody".
    :param what: the columns or tables concerned.
    """

    role: str
    why: str
    what: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class WallPlan:
    """A wall as it should stand.

    :param roles: the base role first.
    :param members: for each login, the roles it may become.
    :param rights: every privilege that these roles and logins have on the tables of the models, and no other.
    :param personal: tables, and views over them, whose rights belong to this plan alone: PUBLIC has none.
    :param views: views to be read with the rights of whoever asks (``security_invoker``).
    :param unknown: columns of the database that no model knows: closed to all but maintenance.
    :param policies: row policies; a table that has one has row level security.
    """

    policy: str
    roles: tuple[WallRole, ...]
    members: Mapping[str, tuple[str, ...]]
    rights: frozenset[Right]
    personal: tuple[Relation, ...]
    views: tuple[Relation, ...] = ()
    not_walled: tuple[NotWalled, ...] = ()
    unknown: tuple[str, ...] = ()
    policies: tuple[RowPolicy, ...] = ()

    @property
    def guarded(self) -> tuple[Relation, ...]:
        """The tables with row level security."""
        return tuple(dict.fromkeys(one.table for one in self.policies))

    @property
    def base(self) -> WallRole:
        """The role of no access."""
        return self.roles[0]

    def role(self, name: str) -> WallRole:
        """The role of this name."""
        return next(role for role in self.roles if role.name == name)


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
    :raises PolicyError: a login or a combination names something that the policy does not know.
    """
    combined = [_checked(policy, combination) for combination in together]
    sets = _purpose_sets(policy, combined)
    roles = [WallRole(base_role(policy))]
    for purposes in sets:
        grant = alone(policy, *purposes)
        if role_of(grant, catalogue) == purpose_role(policy, purposes):
            roles.append(WallRole(purpose_role(policy, purposes), purposes, reach_of(grant, catalogue)))
    if policy.keeps_ledgers:
        everything = _everything(catalogue)
        roles += [
            WallRole(ledger_role(policy), ledgers=True),
            WallRole(desk_role(policy), (), everything, ledgers=True),
        ]
    if any(role.maintenance for role in policy.roles.values()):
        roles.append(WallRole(maintenance_role(policy), maintenance=True))
    everyone = (roles[0].name, *(login.name for login in logins))
    tables = _Tables(catalogue, tuple(shapes), schema)
    rights = {right for role in roles for right in tables.rights(role, everyone if role is roles[0] else (role.name,))}
    for thing in also:
        rights.update(Right("table", thing, name, privilege) for name in everyone for privilege in _ROWS)
        rights.update(Right("schema", (thing[0], ""), name, "USAGE") for name in everyone)
    views = tuple(views)
    for view in views:
        rights.update(Right("table", view, name, "SELECT") for name in everyone)
    acting = {role.name: role.purposes for role in roles if role.purposes}
    may_read = {name: tables.readable(rights, {name, roles[0].name}) for name in acting}
    limited = RowPolicies(
        policy, catalogue, tables.shapes, rows, schema=schema, may_read=may_read, foreign=frozenset(foreign)
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


class _Tables:
    """The tables, and what is personal in them."""

    def __init__(self, catalogue: Catalogue, shapes: tuple[TableShape, ...], schema: str) -> None:
        self._schema = schema
        self.shapes = shapes
        self._known = {(t.schema or schema, t.table): {c.lower() for c in t.all_columns} for t in catalogue}
        self._columns: dict[TableShape, dict[str, PersonalColumn]] = {}
        self._deletes: dict[TableShape, tuple[str, ...]] = {}
        self._own: set[TableShape] = set()
        for shape in shapes:
            found = catalogue.find(shape.schema, shape.table)
            self._columns[shape] = {key: column for table in found for key, column in table.columns.items()}
            self._deletes[shape] = tuple(table.name for table in found if table.columns)
            if any(is_own_table(table) for table in found):
                self._own.add(shape)

    def thing(self, shape: TableShape) -> Relation:
        return shape.schema or self._schema, shape.table

    @property
    def personal(self) -> tuple[Relation, ...]:
        return tuple(self.thing(shape) for shape in self.shapes if self._columns[shape])

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(
            f"{shape.name}.{column.name}"
            for shape in self.shapes
            if self._columns[shape]
            for column in shape.columns
            if self._is_unknown(shape, column.name)
        )

    def _is_unknown(self, shape: TableShape, column: str) -> bool:
        known = self._known.get(self.thing(shape))
        return bool(known) and column.lower() not in (known or ()) and column.lower() not in self._columns[shape]

    def nullable(self) -> tuple[str, ...]:
        """Personal columns that a new row may leave NULL."""
        return tuple(
            personal.name
            for shape in self.shapes
            for column in shape.columns
            if column.nullable and shape not in self._own
            if (personal := self._columns[shape].get(column.name.lower())) is not None
        )

    def readable(self, rights: Collection[Right], grantees: Collection[str]) -> frozenset[tuple[str, str, str]]:
        """The ``(schema, table, column)`` that these may read."""
        held = [right for right in rights if right.privilege == "SELECT" and right.grantee in grantees]
        whole = {right.thing for right in held if not right.column}
        found = {(*right.thing, right.column) for right in held if right.column}
        found |= {
            (*self.thing(shape), column.name)
            for shape in self.shapes
            if self.thing(shape) in whole
            for column in shape.columns
        }
        return frozenset(found)

    def rights(self, role: WallRole, grantees: Iterable[str]) -> Iterator[Right]:
        for shape in self.shapes:
            for grantee in grantees:
                if role.maintenance:
                    yield from self._everything(shape, grantee)
                elif shape in self._own:
                    yield from self._ledger(shape, grantee) if role.ledgers else ()
                elif role.purposes or role.ledgers:
                    yield from self._covered(shape, role.reach, grantee)
                else:
                    yield from self._plain(shape, grantee)

    def _everything(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        for privilege in (*_ROWS, "TRUNCATE"):
            yield Right("table", self.thing(shape), grantee, privilege)

    def _ledger(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        """What the desk does with the library's own tables: it never deletes."""
        yield from self._used(shape, grantee)
        for privilege in ("SELECT", "INSERT", "UPDATE"):
            yield Right("table", self.thing(shape), grantee, privilege)

    def _used(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        yield Right("schema", (self.thing(shape)[0], ""), grantee, "USAGE")
        for place, name in shape.sequences:
            for privilege in ("USAGE", "SELECT"):
                yield Right("sequence", (place or self._schema, name), grantee, privilege)

    def _plain(self, shape: TableShape, grantee: str) -> Iterator[Right]:
        thing = self.thing(shape)
        yield from self._used(shape, grantee)
        personal = self._columns[shape]
        if not personal:
            for privilege in _ROWS:
                yield Right("table", thing, grantee, privilege)
            return
        for column in shape.columns:
            if column.name.lower() not in personal:
                if not self._is_unknown(shape, column.name):
                    for privilege in ("SELECT", "INSERT", "UPDATE"):
                        yield Right("table", thing, grantee, privilege, column.name)
            elif column.nullable:  # an ORM INSERT names it, with a NULL that nobody gave
                yield Right("table", thing, grantee, "INSERT", column.name)

    def _covered(self, shape: TableShape, reach: Reach, grantee: str) -> Iterator[Right]:
        thing = self.thing(shape)
        for column in shape.columns:
            personal = self._columns[shape].get(column.name.lower())
            if personal is None:
                continue
            if personal.name in reach.visible:
                yield Right("table", thing, grantee, "SELECT", column.name)
            if personal.name in reach.writes:
                yield Right("table", thing, grantee, "INSERT", column.name)
                yield Right("table", thing, grantee, "UPDATE", column.name)
        if any(name in reach.deletes for name in self._deletes[shape]):
            yield Right("table", thing, grantee, "DELETE")


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


def _not_walled(roles: Sequence[WallRole], tables: _Tables, unsaid: Sequence[Unsaid]) -> Iterator[NotWalled]:
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
