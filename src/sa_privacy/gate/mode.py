"""What a gate enforces, and what it only observes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sa_privacy.errors import PolicyError
from sa_privacy.footprint import NOTHING, Footprint
from sa_privacy.gate.statements.plan import Plan
from sa_privacy.policy.faults import cut, nearest

if TYPE_CHECKING:
    from sa_privacy.columns.catalogue import Catalogue, PersonalColumn

__all__ = ["Mode", "Observed", "enforced_part"]

Mode = Literal["enforce", "observe"]


@dataclass(frozen=True, slots=True)
class Observed:
    """The tables that are only observed; none, by default.

    :param everything: ``mode="observe"``.
    :param tables: named ones, as the catalogue spells them.
    """

    everything: bool = False
    tables: frozenset[str] = frozenset()

    @classmethod
    def of(cls, mode: Mode, tables: str | Collection[str]) -> Observed:
        """What was said where a ``Privacy`` was made.

        :raises PolicyError: it contradicts itself.
        """
        named = frozenset((tables,) if isinstance(tables, str) else tables)
        if not all(isinstance(name, str) for name in named):
            raise PolicyError("observe names tables as text.", hint='write observe=["table", "schema.table"].')
        if mode not in ("enforce", "observe"):
            raise PolicyError(f'mode="{mode}" is not known.', hint='"enforce" or "observe".')
        if mode == "observe" and named:
            raise PolicyError(
                'mode="observe" observes every table already.',
                hint='leave observe=[...] out, or write mode="enforce" to enforce all other tables.',
            )
        return cls(mode == "observe", named)

    def __bool__(self) -> bool:
        return self.everything or bool(self.tables)

    def __contains__(self, table: object) -> bool:
        return self.everything or table in self.tables

    def enforced(self, columns: Iterable[PersonalColumn]) -> tuple[PersonalColumn, ...]:
        """Those of the columns that are not only observed."""
        return tuple(column for column in columns if column.table not in self)

    def check(self, catalogue: Catalogue) -> None:
        """Every table named must be there: a typo would leave the table that was meant enforced, unasked.

        :raises PolicyError: with the nearest name of each that is not.
        """
        known = {table.name for table in catalogue if table.columns}
        unknown = sorted(self.tables - known)
        if unknown:
            raise PolicyError(
                f"observe: {', '.join(map(cut, unknown))} "
                f"{'are no tables' if len(unknown) > 1 else 'is no table'} with personal columns. "
                + " ".join(dict.fromkeys(nearest(name, known) for name in unknown)),
                hint='write "table" or "schema.table", and import its models before privacy.install(engine).',
            )


def enforced_part(plan: Plan, observed: Observed) -> Plan:
    """The plan without what it touches of observed tables; `plan` itself where it touches none."""
    if observed.everything:
        return Plan(NOTHING, plan.catalogue, plan.fingerprint)
    footprint = plan.footprint

    def kept(columns: frozenset[str]) -> frozenset[str]:
        return frozenset(name for name in columns if name.rpartition(".")[0] not in observed)

    part: Footprint = replace(
        footprint,
        reads=kept(footprint.reads),
        matches=kept(footprint.matches),
        writes=kept(footprint.writes),
        deletes=frozenset(table for table in footprint.deletes if table not in observed),
        inside=kept(footprint.inside),
        mentions=tuple(mention for mention in footprint.mentions if mention[0] not in observed),
        inserts=tuple(insert for insert in footprint.inserts if insert[0] not in observed),
        assigned=kept(footprint.assigned),
        moves=tuple(move for move in footprint.moves if move[0] not in observed),
        stored=frozenset(),  # the plan has judged it, by the types of its binds
    )
    same = (part.reads, part.matches, part.writes, part.deletes, part.moves) == (
        footprint.reads,
        footprint.matches,
        footprint.writes,
        footprint.deletes,
        footprint.moves,
    )
    if same or plan.refusal is not None:
        return plan
    made = Plan(part, plan.catalogue, plan.fingerprint)
    made.ruling = plan.ruling
    made.unsealed = tuple(name for name in plan.unsealed if name.rpartition(".")[0] not in observed)
    return made
