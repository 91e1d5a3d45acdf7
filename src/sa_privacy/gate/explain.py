"""What a statement would touch, and whether it would run: without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.sql import ClauseElement

from sa_privacy.footprint import footprint_of_tree
from sa_privacy.gate.door import Door
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.plan import Plan
from sa_privacy.gate.relations import LiveRelations

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a statement would touch under the access in force.

    :param reads: columns whose value would leave the database, as ``"table.column"``.
    :param matches: columns that would decide which rows, in what order or group.
    :param writes: columns that would be inserted or updated.
    :param allowed: whether it would run.
    :param denials: what stands against it, in words; empty where it would run.
    :param sql: the SQL as it would be sent, uncovered attributes left out.
    """

    reads: frozenset[str]
    matches: frozenset[str]
    writes: frozenset[str]
    allowed: bool
    denials: tuple[str, ...]
    sql: str


def explain(gate: Gate, engine: Engine, door: Door, statement: ClauseElement | str) -> Explanation:
    """Judges `statement` as `engine` would get it. Reads the database's catalogue at most, never its rows."""
    plan, sql = _plan(gate, engine, door, statement)
    grant = gate.grant()
    if plan.refusal is not None:
        return Explanation(
            frozenset(), frozenset(), frozenset(), bool(grant and grant.everything), (str(plan.refusal),), sql
        )
    footprint = plan.footprint
    decision = gate.decide(plan, grant)
    denials = [f"{denial.verb} {denial.column}" for denial in decision.denials]
    sealed = sorted(n for n in footprint.inside if plan.catalogue.columns[n].sealed)
    denials += [f"{name} is sealed" for name in sealed]
    return Explanation(
        footprint.reads,
        footprint.matches,
        footprint.writes,
        decision.allowed and not sealed,
        tuple(denials),
        sql,
    )


def _plan(gate: Gate, engine: Engine, door: Door, statement: Any) -> tuple[Plan, str]:
    catalogue = gate.catalogue()
    if isinstance(statement, str):
        sql = statement
    else:
        compiled = statement.compile(dialect=engine.dialect)
        sql = str(compiled)
        found = footprint_of_tree(compiled, catalogue=catalogue, declarations=gate.declarations())
        if found is not None:
            return Plan(found, catalogue, ""), sql
    with engine.connect() as connection:
        relations = LiveRelations(connection, door.dialect)
        return door.plan_of_text(sql, relations, catalogue), sql
