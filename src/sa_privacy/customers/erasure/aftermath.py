"""What is looked at once a person's rows have ended, before anything is committed: that nothing is left but what is kept.

It asks the database anew, by the catalogue's ways from rows to people and by what refers to rows that went, and does not rely on
what the plan says was done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, Connection, Table, func, select

from sa_privacy.customers.destruction import Graph, Key, Reference, Step
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.rows import in_batches, matching
from sa_privacy.customers.destruction.run import Moved
from sa_privacy.customers.destruction.values import empty_value, is_unique
from sa_privacy.customers.erasure.ledgers import TRACES
from sa_privacy.customers.erasure.plan import ErasurePlan
from sa_privacy.customers.owned import OwnedTable
from sa_privacy.errors import ErasureRefused
from sa_privacy.ledger import Person

__all__ = ["Aftermath"]


class Aftermath:
    """Looks at what a plan touches, before and after it is carried out.

    :param connection: of a desk that reads everything.
    :param tables: that hold something of people of the person's kind.
    """

    def __init__(
        self, connection: Connection, graph: Graph, tables: Iterable[OwnedTable], person: Person, plan: ErasurePlan
    ) -> None:
        self._connection = connection
        self._graph = graph
        self._tables = tuple(tables)
        self._person = person
        self._plan = plan
        emptied = [step for step in plan.steps if step.verb == "anonymise"]
        self._stood = [(step, self._values(step)) for step in emptied]
        self._given = {step.table: step.values for step in emptied}
        ends = {(step.table, key) for step in plan.steps if step.verb == "delete" for key in step.keys}
        self._theirs = [(owned, self._rows_of(owned, ends)) for owned in self._tables]
        self._named = [
            (reference, self._targets(reference, step.keys))
            for step in plan.steps
            if step.verb == "delete"
            for reference in graph.into(graph.tables[step.table])
        ]

    def check(self, moved: Moved) -> None:
        """Looks.

        :param moved: rows that have another key than before.
        :raises ErasureRefused: something is left that should not be. Names the table.
        """
        for step, before in self._stood:
            keys = tuple(moved.get((step.table, key), key) for key in step.keys)
            self._must_be_emptied(replace(step, keys=keys), _now(step.table, before, moved))
        for owned, rows in self._theirs:
            self._must_hold_nothing(owned, _now(owned.name, rows, moved))
        for reference, targets in self._named:
            for some in in_batches(targets, len(reference.columns)):
                if self._count(reference.child, matching(reference.columns, some)):
                    raise _left(str(reference), "rows that went are referred to")
        for owned in self._tables:
            self._must_be_gone(owned)
        for trace in TRACES:
            if trace.table.name in self._graph.tables and self._count(trace.table, trace.of(self._person)):
                raise _left(trace.table.name, "the person is named")

    def _rows_of(self, owned: OwnedTable, ends: Collection[tuple[str, Key]]) -> dict[Key, tuple[Any, ...]]:
        """The rows of the person, and what stands in them; nothing, of those that are to go."""
        identity = identity_of(owned.table)
        mine = owned.belonging_to([self._person.key])
        keys = [tuple(row) for row in self._connection.execute(select(*identity).where(mine)).all()]
        stay = [key for key in keys if (owned.name, key) not in ends]
        step = Step("anonymise", owned.name, tuple(stay), tuple(self._open(owned)))
        return dict.fromkeys(keys, ()) | self._values(step)

    def _must_hold_nothing(self, owned: OwnedTable, before: Mapping[Key, tuple[Any, ...]]) -> None:
        """What was the person's is gone, or emptied but for what is kept."""
        step = Step("anonymise", owned.name, tuple(before), tuple(self._open(owned)))
        values = self._given.get(owned.name, {})
        for key, now in self._values(step).items():
            if self._columns(step) and not before[key]:
                raise _left(owned.name, "a row that was to go is there")
            for column, stood, value in zip(self._columns(step), before[key], now, strict=True):
                if value is None or value != stood or value == values.get(str(column.name), _neutral(column)):
                    continue
                raise _left(f"{owned.name}.{column.name}", "it is not emptied")

    def _must_be_gone(self, owned: OwnedTable) -> None:
        """No row is the person's any more, but where their own row stays, emptied: then it and those that need it."""
        if not self._stays() and self._count(owned.table, owned.belonging_to([self._person.key])):
            raise _left(owned.name, "rows are the person's")

    def _open(self, owned: OwnedTable) -> set[str]:
        """The columns that have to be empty in a row that stays: not those that a reason keeps, nor what rows are told apart
        and held together by.
        """
        kept = {name for one in self._plan.kept if one.table == owned.name for name in one.columns}
        apart = {str(column.name) for column in identity_of(owned.table)}
        apart |= {owned.steps[0][0] if owned.steps else owned.key}
        return {column.column for column in owned.columns} - kept - apart

    def _stays(self) -> bool:
        """Whether the person's own row stays: something cannot do without it, and no shell can be made."""
        own = next((one for one in self._tables if one.person), None)
        return own is not None and any(step.verb == "anonymise" and step.table == own.name for step in self._plan.steps)

    def _must_be_emptied(self, step: Step, before: Mapping[Key, tuple[Any, ...]]) -> None:
        columns = self._columns(step)
        after = self._values(step)
        for key, stood in before.items():
            if key not in after:
                raise _left(step.table, "a row that was to stay is gone")
            for column, was, now in zip(columns, stood, after[key], strict=True):
                if now is None or now != was or now == step.values.get(str(column.name), _neutral(column)):
                    continue
                raise _left(f"{step.table}.{column.name}", "it is not emptied")

    def _columns(self, step: Step) -> list[Column[Any]]:
        return [column for column in self._graph.tables[step.table].columns if column.name in step.columns]

    def _values(self, step: Step) -> dict[Key, tuple[Any, ...]]:
        """What stands in the columns of a step, by row."""
        table = self._graph.tables[step.table]
        identity = identity_of(table)
        found: dict[Key, tuple[Any, ...]] = {}
        for some in in_batches(step.keys, len(identity)):
            rows = select(*identity, *self._columns(step)).where(matching(identity, some))
            for row in self._connection.execute(rows).all():
                found[tuple(row)[: len(identity)]] = tuple(row)[len(identity) :]
        return found

    def _targets(self, reference: Reference, keys: Collection[Key]) -> list[Key]:
        """By what rows are referred to."""
        identity = identity_of(reference.parent)
        found: list[Key] = []
        for some in in_batches(keys, len(identity)):
            rows = select(*reference.targets).where(matching(identity, some))
            found += [tuple(row) for row in self._connection.execute(rows).all() if None not in tuple(row)]
        return found

    def _count(self, table: Table, condition: Any) -> int:
        return int(self._connection.scalar(select(func.count()).select_from(table).where(condition)) or 0)


def _now(table: str, rows: Mapping[Key, tuple[Any, ...]], moved: Moved) -> dict[Key, tuple[Any, ...]]:
    return {moved.get((table, key), key): values for key, values in rows.items()}


def _neutral(column: Column[Any]) -> Any:
    """What stands in an emptied column that can have one value for all rows."""
    return None if column.nullable or is_unique(column) else empty_value(column)


def _left(where: str, what: str) -> ErasureRefused:
    return ErasureRefused(
        f"after the erasure something would be left at {where}: {what}.",
        hint="nothing was erased. Make a new plan; if it says so again, something writes there meanwhile, or a trigger does.",
    )
