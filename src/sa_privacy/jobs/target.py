"""What a job works on: sealed columns of one table, all of which it changes with one UPDATE for each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Column, Table
from sqlalchemy.types import TypeEngine, to_instance

from sa_privacy.columns.annotation import annotated_tables
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.errors import NoAccess, PolicyError
from sa_privacy.gate.statements.evidence import access_members

if TYPE_CHECKING:
    from sa_privacy.access import Scope
    from sa_privacy.columns.accepting import Accepted
    from sa_privacy.columns.catalogue import Catalogue
    from sa_privacy.crypto import Keyring
    from sa_privacy.gate.people.people_keys import PeopleKeys
    from sa_privacy.policy import Policy

__all__ = ["Keeper", "Target", "keys_for_job", "said_of", "targets_of"]


class Keeper(Protocol):
    """What a job needs of a :class:`~sa_privacy.Privacy`."""

    policy: Policy

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def keys(self) -> Keyring | None: ...
    @property
    def accepted(self) -> Accepted: ...
    @property
    def record(self) -> Callable[[str, bytes], int]: ...
    def looks_after(self, table: Table) -> bool: ...
    @property
    def people_keys(self) -> PeopleKeys: ...
    def current(self) -> Scope: ...


@dataclass(frozen=True)
class Target:
    """Sealed columns of one table.

    :param columns: all of them have the type :class:`~sa_privacy.Encrypted`.
    :param names: the same, as ``"table.column"``.
    :param stored_as: by column name, the types that wrote what is stored, where they are not the inner types.
    """

    table: Table
    columns: tuple[Column[Any], ...]
    names: tuple[str, ...]
    stored_as: Mapping[str, TypeEngine[Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``"table"`` or ``"schema.table"``."""
        return self.table.fullname

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """The primary key."""
        return tuple(self.table.primary_key.columns)

    @property
    def by_subject(self) -> bool:
        """Whether the columns are under people's keys: all of them are, or none."""
        return self.sealed_type(self.columns[0]).key is not None

    def sealed_type(self, column: Column[Any]) -> Encrypted:
        """The type of one of its columns."""
        kind: Any = column.type
        return kind  # type: ignore[no-any-return]

    def plain_type(self, column: Column[Any]) -> TypeEngine[Any]:
        """The type that wrote what a column holds unsealed."""
        return self.stored_as.get(column.name, self.sealed_type(column).inner)


def targets_of(privacy: Keeper, columns: Sequence[str], stored_as: Mapping[str, Any] | None = None) -> list[Target]:
    """The columns by table, in the order in which they were named.

    :param columns: as ``"table.column"``.
    :param stored_as: by column, besides what ``Privacy(..., stored_as=...)`` says.
    :raises PolicyError: one is not known, or not sealed, or its table has no primary key.
    """
    said: dict[str, TypeEngine[Any]] = {name: to_instance(kind) for name, kind in (stored_as or {}).items()}
    for name, acceptance in privacy.accepted.columns.items():
        if acceptance.stored_as is not None:
            said.setdefault(name, acceptance.stored_as)
    if not columns:
        raise PolicyError("which columns?", hint='name them as "table.column".')
    known = privacy.catalogue.columns
    by_table: dict[tuple[str, bool], list[str]] = {}
    for name in dict.fromkeys(columns):
        if name not in known or not known[name].sealed:
            sealed = ", ".join(sorted(one for one, column in known.items() if column.sealed)) or "none"
            raise PolicyError(
                f'"{name}" is {"not sealed" if name in known else "no personal column"}.',
                hint=f"sealed columns: {sealed}. The model says that a column is sealed, then a job seals what it holds.",
                columns=(name,),
            )
        by_table.setdefault((known[name].table, known[name].by_subject), []).append(name)
    return [_target(privacy, table, names, said) for (table, _), names in by_table.items()]


def _target(privacy: Keeper, name: str, columns: list[str], said: dict[str, TypeEngine[Any]]) -> Target:
    known = privacy.catalogue.columns
    of_name = (t for t in annotated_tables() if t.fullname == name and privacy.looks_after(t))
    table = max(of_name, key=lambda found: len(found.primary_key.columns), default=None)  # a mapped copy has its key
    if table is None or not table.primary_key.columns:
        raise PolicyError(
            f"{name} has no primary key, by which its rows could be told apart.",
            hint="give the model its primary key; a unique NOT NULL column will do.",
            columns=columns,
        )
    return Target(
        table,
        tuple(table.c[known[one].column] for one in columns),
        tuple(columns),
        {known[one].column: said[one] for one in columns if one in said},
    )


def keys_for_job(privacy: Keeper) -> Keyring:
    """The keys.

    :raises PolicyError: there are none.
    """
    if privacy.keys is None:
        raise PolicyError("the Privacy has no keys.", hint='Privacy(..., keys=Keyring.load("keys.json")).')
    return privacy.keys


def said_of(operation: str, privacy: Keeper) -> bytes:
    """What all events of a job say of who runs it.

    :raises NoAccess: nobody does, or not for maintenance.
    """
    access = privacy.current().access
    if not access.maintenance:
        raise NoAccess(
            f"to {operation} columns is maintenance, and the access in force is none.",
            hint="with privacy.access(maintenance=True, actor=..., role=..., reason=...), in a role with maintenance = true.",
            purpose=access.purposes,
            roles=access.roles,
        )
    return access_members(access)
