"""What a statement would touch, and whether it would run: without running it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Query
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from sa_privacy.errors import AccessDenied, PolicyError, PrivacyError, RowsDenied
from sa_privacy.footprint import NOTHING, Foreign, Relation, footprint_of_tree
from sa_privacy.gate.door import Door
from sa_privacy.gate.engine import Gate
from sa_privacy.gate.observe import compile_as_enforced
from sa_privacy.gate.relations import LiveRelations
from sa_privacy.gate.rows import own_rows, row_law
from sa_privacy.gate.rows.ruling import RULING, Ruling
from sa_privacy.gate.sqlalchemy_private import in_greenlet
from sa_privacy.gate.statements.plan import Plan
from sa_privacy.gate.statements.statement import is_plain_ddl

__all__ = ["Explanation", "explain"]

_UNKNOWN = object()
_Values = Mapping[str | int, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a statement would touch under the access in force.

    :param reads: columns whose value would leave the database, as ``"table.column"``.
    :param matches: columns that would decide which rows, in what order or group.
    :param writes: columns that would be inserted or updated.
    :param allowed: whether an engine that enforces every table would run it. Where a purpose reaches one person's rows, the parents
        of a new row are taken to be theirs: only the database could tell. So are functions and operators taken to be
        those that come with it.
    :param denials: what stands against it, in words; empty where it would run.
    :param sql: the SQL as it would be sent, uncovered attributes left out; empty where it would not get so far.
    :param limited: the tables of which not all rows are reached, and by whose rule: ``'customers: role "support"'``.
    """

    reads: frozenset[str]
    matches: frozenset[str]
    writes: frozenset[str]
    allowed: bool
    denials: tuple[str, ...]
    sql: str
    limited: tuple[str, ...] = ()


def explain(gate: Gate, engine: Engine, door: Door, statement: ClauseElement | Query[Any] | str) -> Explanation:
    """Judges `statement` as `engine` would get it. Asks the database at most what names in a text are, never for rows."""
    grant = gate.grant()
    try:
        compiled, sql = _compiled(gate, engine, statement)
    except AccessDenied as error:
        nothing: frozenset[str] = frozenset()
        return Explanation(frozenset(error.columns), nothing, nothing, False, (error.message,), "")
    plan = _plan(gate, engine, door, compiled, sql)
    denials = _denials(gate, plan, compiled)
    if plan.refusal is not None and grant is not None and grant.everything:
        denials = []
    footprint = plan.footprint
    limits = gate.limits()
    tables = row_law.reached(footprint).intersection(limits.of) if limits is not None else ()
    said = tuple(f"{name}: {limits.of[name].rules}" for name in sorted(tables)) if limits is not None else ()
    return Explanation(footprint.reads, footprint.matches, footprint.writes, not denials, tuple(denials), sql, said)


def _compiled(gate: Gate, engine: Engine, statement: Any) -> tuple[Any, str]:
    """The statement to be judged, and the SQL that would be sent."""
    if isinstance(statement, str):
        return None, statement
    if isinstance(statement, Query):
        statement = statement.statement
    if not isinstance(statement, ClauseElement):
        raise PolicyError(
            f"{type(statement).__name__} is no statement.", hint="give a SQLAlchemy statement, or SQL as a string."
        )
    if isinstance(statement, ExecutableDDLElement):
        compiled: Any = statement.compile(dialect=engine.dialect)
        return compiled, str(compiled)
    compiled = compile_as_enforced(gate.catalogue(), statement, engine.dialect, gate.grant())
    return compiled, compiled.string


def _plan(gate: Gate, engine: Engine, door: Door, compiled: Any, sql: str) -> Plan:
    catalogue = gate.catalogue()
    relations: Any = _Relations(engine, door)
    if isinstance(compiled, SQLCompiler):
        ruling: Ruling | None = vars(compiled).get(RULING)
        marked = ruling.marked(compiled) if ruling is not None else None
        known: dict[str, Any] = {"declarations": gate.declarations(), "relations": relations}
        found = footprint_of_tree(compiled, catalogue=catalogue, **known) if marked is None else None
        plan = (
            door.plan_of_text(marked or sql, relations, catalogue, compiled)
            if found is None
            else Plan(found, catalogue, "", binds=compiled.binds)
        )
        plan.ruling = ruling
        return plan
    if compiled is not None and is_plain_ddl(compiled):
        return Plan(NOTHING, catalogue, "")
    return door.plan_of_text(sql, relations, catalogue)


def _denials(gate: Gate, plan: Plan, compiled: Any) -> list[str]:
    """What stands against it; the same questions, in the same order, as :meth:`Gate.admit` asks."""
    scope, grant = gate.scopes.get(), gate.grant()
    if plan.refusal is not None:
        return [str(plan.refusal)]
    values = _values(compiled)
    decision = gate.judge.decide(plan, grant)
    empty = frozenset() if decision.allowed else plan.footprint.left_null(values)
    if empty:
        decision = gate.judge.decide(plan, grant, unwritten=empty)
    denials = [f"{denial.verb} {denial.column}" for denial in decision.denials]
    denials += [f"{name} is sealed" for name in plan.sealed_inside or plan.unsealed]
    if not denials and scope is not None and scope.alive:
        try:
            row_law.require(plan, gate.limits(), scope.access)
        except RowsDenied as error:
            denials.append(error.message)
    if not denials and decision.own and scope is not None:
        try:
            own_rows.require(plan, scope.access, values, ask=lambda *question: question[-1])  # nothing runs here
        except RowsDenied as error:
            denials.append(error.message)
    return denials


def _values(compiled: Any) -> list[_Values]:
    """The values given with the statement; what comes with its execution stands as unknown."""
    if not isinstance(compiled, SQLCompiler):
        return []
    values: dict[str | int, Any] = dict(compiled.params)
    for name, bind in compiled.binds.items():
        if bind.required:
            values[name] = _UNKNOWN
    for column in (*compiled.insert_prefetch, *compiled.update_prefetch):
        values[column.key] = _UNKNOWN
    return [values]


class _Relations:
    """Opens a connection only where a text names something that the mapped metadata does not know.

    Functions and operators are taken to be those that come with the database.
    """

    def __init__(self, engine: Engine, door: Door) -> None:
        self._engine = engine
        self._door = door
        self.facts: dict[tuple[str, ...], Any] = {}

    def lookup(self, schema: str | None, name: str) -> Relation:
        with self._live(name) as live:
            return live.lookup(schema, name)

    def columns(self, schema: str | None, name: str) -> tuple[str, ...] | None:
        with self._live(name) as live:
            return live.columns(schema, name)

    def overloaded(self, functions: Collection[str]) -> frozenset[str]:
        return frozenset()

    def foreign(self) -> tuple[Foreign, ...]:
        return ()

    @contextmanager
    def _live(self, name: str) -> Iterator[LiveRelations]:
        if self._engine.dialect.is_async and not in_greenlet():
            raise PrivacyError(
                f'the database has to be asked what "{name}" is, and asyncio cannot do so here.',
                hint="await connection.run_sync(lambda _: privacy.explain(statement, engine=engine)).",
            )
        with self._engine.connect() as connection:
            yield LiveRelations(connection, self._door.dialect)
