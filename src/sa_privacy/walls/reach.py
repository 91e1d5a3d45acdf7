"""What a grant reaches of a catalogue, column by column, and the name of the database role that stands for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.gate.rows.rule import at_desk
from sa_privacy.policy import Grant, Policy, Verb
from sa_privacy.walls.limits import is_own_table, limits_of

__all__ = [
    "Reach",
    "alone",
    "base_role",
    "desk_role",
    "ledger_role",
    "maintenance_role",
    "purpose_role",
    "reach_of",
    "role_of",
    "rules_policy",
]

_LONGEST = 63  # bytes of a name on PostgreSQL
_PREFIX = "sap"


@dataclass(frozen=True, slots=True)
class Reach:
    """The columns (``"table.column"``) and tables, as the catalogue spells them, that a grant reaches by each verb."""

    reads: frozenset[str] = frozenset()
    matches: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()

    @property
    def visible(self) -> frozenset[str]:
        """Columns a database must show: it cannot tell whether a value decides about rows or leaves in them."""
        return self.reads | self.matches


def reach_of(grant: Grant | None, catalogue: Catalogue) -> Reach:
    """What `grant` reaches; nothing, where there is none."""
    if grant is None:
        return Reach()

    def covered(verb: Verb) -> frozenset[str]:
        columns = catalogue.columns.values()
        return frozenset(column.name for column in columns if grant.covers(verb, column.category, column.purposes))

    tables = frozenset(table.name for table in catalogue if table.columns and grant.may_delete(table.name))
    return Reach(covered("read"), covered("match"), covered("write"), tables)


def base_role(policy: Policy) -> str:
    """The role of no access: all that is not personal."""
    return _named(policy)


def maintenance_role(policy: Policy) -> str:
    """The role of maintenance accesses: everything."""
    return _named(policy, mark="+maintenance")


def ledger_role(policy: Policy) -> str:
    """The role of the library's own desk: the library's own tables."""
    return _named(policy, mark="+ledger")


def desk_role(policy: Policy) -> str:
    """The role of the desk where it reads or writes people's data too: what is given away, a person's own file."""
    return _named(policy, mark="+desk")


def rules_policy(policy: Policy) -> str:
    """The row policy of the application's own rules."""
    return _named(policy, mark="+rules")


def purpose_role(policy: Policy, purposes: Collection[str]) -> str:
    """The role of these purposes together."""
    return _named(policy, tuple(sorted(set(purposes))))


def role_of(grant: Grant | None, catalogue: Catalogue) -> str | None:
    """The database role that stands for a grant; None for that of no access.

    Purposes declared together are one role, named after all of them; but where one of them reaches by itself what all
    reach together, in the same rows, its own role will do.
    """
    if grant is None:
        return None
    if grant.everything:
        return maintenance_role(grant.policy)
    if at_desk(grant):
        reach = reach_of(grant, catalogue)
        own = {name for table in catalogue if is_own_table(table) for name in (c.name for c in table.columns.values())}
        return desk_role(grant.policy) if (reach.visible | reach.writes) - own else ledger_role(grant.policy)
    if len(grant.purposes) > 1:
        together = reach_of(grant, catalogue), limits_of(grant, catalogue)
        for purpose in grant.purposes:
            single = alone(grant.policy, purpose)
            if (reach_of(single, catalogue), limits_of(single, catalogue)) == together:
                return purpose_role(grant.policy, [purpose])
    return purpose_role(grant.policy, grant.purposes) if grant.purposes else None


def alone(policy: Policy, *purposes: str) -> Grant:
    """The grant of these purposes, whoever may declare them."""
    acting = [role.name for role in policy.roles.values() if role.reachable & set(purposes)]
    try:
        return policy.grant(purposes, acting, break_glass=True)
    except PermissionError:  # no role acts for one of them: a system does
        system = next(name for name, job in policy.systems.items() if job.purposes.issuperset(purposes))
        return policy.grant(purposes, (), system=system)


def _named(policy: Policy, purposes: tuple[str, ...] = (), mark: str = "") -> str:
    """``sap/<policy>``, ``sap/<policy>/<purpose>+<purpose>`` or ``sap/<policy>+maintenance``.

    Names of purposes hold no ``/`` and no ``+``. A policy's may, and a name may be too long: then a hash sets it apart.
    """
    name = f"{_PREFIX}/{policy.id}{mark}" + (f"/{'+'.join(purposes)}" if purposes else "")
    plain = policy.id.replace("-", "").replace("_", "").isalnum()
    if plain and len(name.encode()) <= _LONGEST:
        return name
    said = json.dumps([policy.id, purposes, mark], ensure_ascii=True)
    digest = hashlib.sha256(said.encode()).hexdigest()[:10]
    safe = "".join(letter if letter.isalnum() or letter in "/+-_" else "_" for letter in name)
    return f"{safe.encode()[: _LONGEST - 11].decode(errors='ignore')}~{digest}"
