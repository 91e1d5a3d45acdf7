"""What the policy says of the rows of one table, whichever schedule says it: reasons that keep them, and what holds them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, case, exists, literal, literal_column, or_, select

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.customers.destruction import Graph, Reference, Survey
from sa_privacy.customers.erasure.endings import Holding
from sa_privacy.customers.retention.conditions import Conditions
from sa_privacy.policy import Guard, Policy, Reason, Schedule

__all__ = ["Because", "Ruled", "Rules", "surely"]


@dataclass(frozen=True)
class Because:
    """A reason of a schedule.

    :param keeps: the personal columns that it keeps as they are.
    :param kept: the condition for the rows that it keeps.
    """

    schedule: Schedule
    reason: Reason
    keeps: frozenset[str]
    kept: ColumnElement[bool]
    moment: ColumnElement[object]


class Ruled:
    """The rows of one table, under all schedules that are about them or a column of theirs."""

    def __init__(self, rules: Rules, table: Table) -> None:
        self.table = table
        known = rules.catalogue.by_name.get(table.fullname)
        categories = {column.column: column.category for column in known.columns.values()} if known is not None else {}
        self.schedules = tuple(
            one
            for one in rules.policy.retention.values()
            if one.table == table.fullname or (one.category is not None and one.category in categories.values())
        )
        clocks, connection = rules.policy.clocks, rules.connection
        self.conditions = {one.name: Conditions(one, table, clocks, rules.now, connection) for one in self.schedules}
        self.reasons = tuple(
            Because(one, reason, _keeps(one, reason, categories), of.kept(reason), of.moment(reason))
            for one in self.schedules
            for of in [self.conditions[one.name]]
            for reason in one.reasons.values()
        )
        self.guards: tuple[tuple[Schedule, Guard, ColumnElement[bool]], ...] = tuple(
            (one, guard, surely(self.conditions[one.name].held_back(guard)))
            for one in self.schedules
            for guard in one.guards.values()
        )
        held = rules.holding.cases(connection, table) if rules.holding is not None else {}
        self.cases: Mapping[str, ColumnElement[bool]] = {number: surely(said) for number, said in held.items()}

    def stopped(self) -> ColumnElement[bool]:
        """The rows to which nothing may happen yet."""
        return _any([*(said for *_, said in self.guards), *self.cases.values()])

    def kept(self) -> ColumnElement[bool]:
        """The rows that a reason keeps."""
        return _any([one.kept for one in self.reasons])

    def staying(self) -> ColumnElement[bool]:
        """The rows that must not go with another one: something holds them, or their own time is not over."""
        own = [one for one in self.schedules if one.table == self.table.fullname and one.action == "delete"]
        wait = [or_(*(surely(self.conditions[one.name].due()) for one in own)).is_(False)] if own else []
        return or_(self.stopped(), self.kept(), *(surely(one) for one in wait))

    @property
    def says_nothing(self) -> bool:
        """Whether nothing in the policy keeps any row of the table."""
        return not (self.schedules or self.cases)


class Rules:
    """The policy as of one moment, on one connection.

    :param now: the moment that counts, aware.
    :param connection: of a desk that reaches everything.
    """

    def __init__(
        self,
        policy: Policy,
        catalogue: Catalogue,
        graph: Graph,
        survey: Survey,
        now: datetime,
        connection: Connection,
        holding: Holding | None,
    ) -> None:
        self.policy, self.catalogue, self.graph, self.survey = policy, catalogue, graph, survey
        self.now, self.connection, self.holding = now, connection, holding
        self._known: dict[str, Ruled] = {}

    def of(self, table: Table) -> Ruled:
        """What is said of a table.

        :raises RetentionRefused: a schedule runs from what is no moment.
        """
        if table.fullname not in self._known:
            self._known[table.fullname] = Ruled(self, table)
        return self._known[table.fullname]

    def held_by(self, table: Table, *, erased: bool) -> Mapping[str, ColumnElement[bool]]:
        """By table that hangs on this one, the condition for rows that have to stay for a row there that stays.

        :param erased: the rows are people: what is theirs ends with them, whatever its own time, unless it is held back.
        """

        def said(ruled: Ruled) -> ColumnElement[bool] | None:
            if erased:
                return ruled.stopped() if ruled.guards or ruled.cases else None
            return None if ruled.says_nothing else ruled.staying()

        return dict(self._hanging(table, said, (table.fullname,)))

    def _hanging(
        self, table: Table, said: Callable[[Ruled], ColumnElement[bool] | None], path: tuple[str, ...]
    ) -> Iterator[tuple[str, ColumnElement[bool]]]:
        found: dict[str, list[ColumnElement[bool]]] = {}
        for reference in self.graph.into(table):
            name = reference.child.fullname
            if name in path or not self.survey.hangs(reference):  # rows of a circle are looked at when they would go
                continue
            own = said(self.of(reference.child))
            below = [condition for _, condition in self._hanging(reference.child, said, (*path, name))]
            stays = [*([own] if own is not None else []), *below]
            if stays:
                found.setdefault(name, []).append(_some(reference, or_(*stays)))
        for name, conditions in found.items():
            yield name, or_(*conditions)


def surely(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """A condition that is false where the database cannot tell."""
    return case((condition, 1), else_=0) == 1


def _some(reference: Reference, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    pairs = zip(reference.columns, reference.targets, strict=True)
    return (
        exists(select(literal(1)).select_from(reference.child))
        .where(*(one == other for one, other in pairs), condition)
        .correlate(reference.parent)
    )


def _any(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    return or_(*conditions) if conditions else literal_column("1") == literal_column("0")


def _keeps(schedule: Schedule, reason: Reason, categories: Mapping[str, str]) -> frozenset[str]:
    """The columns that a reason keeps: those that it names; of a category, all of its columns."""
    if reason.keeps is not None:
        return frozenset(reason.keeps)
    if schedule.category is None:
        return frozenset()
    return frozenset(name for name, category in categories.items() if category == schedule.category)
