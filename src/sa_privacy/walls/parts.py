"""What the plan of a wall is made of, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sa_privacy.walls.policies import Relation, RowPolicy
from sa_privacy.walls.reach import Reach

__all__ = ["Login", "NotWalled", "Relation", "Right", "WallPlan", "WallRole"]

Kind = Literal["table", "sequence", "schema"]


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
