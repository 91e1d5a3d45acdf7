"""How a column that was found would be annotated: sealed, found by a lookup, or only guarded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Enum, String, Table, UniqueConstraint

from sa_privacy.columns import Encrypted
from sa_privacy.columns.sealable import check_sealing
from sa_privacy.discovery.evidence import Finding
from sa_privacy.discovery.kinds import KINDS
from sa_privacy.errors import PolicyError

__all__ = ["Annotating", "annotating"]

_OWN_TYPES: Final = "sqlalchemy."


@dataclass(frozen=True, slots=True)
class Annotating:
    """What would be said of a column.

    :param why: why it is not sealed; None where it is.
    """

    finding: Finding
    lookup: str | None = None
    why: str | None = None

    @property
    def sealed(self) -> bool:
        """Whether the column would be sealed."""
        return self.why is None

    @property
    def arguments(self) -> str:
        """As they stand in a call of ``pii_column``."""
        said = [f'category="{self.finding.category}"']
        if not self.sealed:
            said.append("encrypt=False")
        elif self.lookup is not None:
            said.append(f'lookup="{self.lookup}"')
        return ", ".join(said)


def annotating(finding: Finding, table: Table, *, seal: bool, against: Mapping[str, str]) -> Annotating:
    """How to annotate a column.

    :param seal: False leaves all unsealed.
    :param against: what the database has against sealing a column, in words, by ``"table.column"``.
    """
    column = table.columns[finding.column]
    if not seal:
        return Annotating(finding, why="as asked")
    kind = KINDS[finding.kind]
    if not kind.sealed:
        return Annotating(finding, why="applications compare and sort by it")
    if not type(column.type).__module__.startswith(_OWN_TYPES) or isinstance(column.type, Enum):
        return Annotating(finding, why=f"its type, {type(column.type).__name__}, may do more than to hold a value")
    lookup = kind.lookup or ("exact" if _is_searched(column, table) else None)
    if lookup == "casefold" and not isinstance(column.type, String):
        lookup = None
    try:
        Encrypted(column.type, category="-", lookup=lookup)
        check_sealing(column, table, searchable=lookup is not None)
    except PolicyError as error:
        return Annotating(finding, why=error.message.rstrip("."))
    if finding.name in against:
        return Annotating(finding, why=against[finding.name])
    return Annotating(finding, lookup)


def _is_searched(column: Column[Any], table: Table) -> bool:
    if column.unique or column.index or any(column in index.columns.values() for index in table.indexes):
        return True
    return any(isinstance(one, UniqueConstraint) and one.columns.contains_column(column) for one in table.constraints)
