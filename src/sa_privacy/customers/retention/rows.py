"""The rows that one schedule is about in one table: which are due, what is left to do with them, what holds them back.

What is left to do stands in the data itself: a row that is gone, or empty, is not due again. Where a row does not show that it
is empty, a mark does (:mod:`sa_privacy.customers.destruction.emptied`).
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from sqlalchemy import Column, ColumnElement, Table, and_, exists, literal, literal_column, not_, or_, select
from sqlalchemy.types import JSON

from sa_privacy.columns.catalogue import PersonalTable
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.customers.destruction import Ending
from sa_privacy.customers.destruction.emptied import NOBODYS, is_marked
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.values import empty_value, is_unique
from sa_privacy.customers.retention.ruled import Because, Ruled, Rules, surely
from sa_privacy.policy import Schedule

__all__ = ["KEY", "Rows", "values_of"]

KEY: Final = ""
"""What is marked of a person whose key was destroyed, instead of a column."""
_SEEN: Final = (str, bytes, bool, int, float, Decimal, date, datetime, timedelta, enum.Enum)
_NO: Final = literal_column("1") == literal_column("0")
_YES: Final = literal_column("1") == literal_column("1")


class Rows:
    """One schedule in one table.

    :param rules: as of a moment.
    """

    def __init__(self, rules: Rules, schedule: Schedule, table: Table) -> None:
        self.schedule, self.table, self._rules = schedule, table, rules
        self.ruled = rules.of(table)
        self.known: PersonalTable | None = rules.catalogue.by_name.get(table.fullname)
        subject = self.known.subject if self.known is not None else None
        self.is_people = subject is not None and subject.person
        self.erased = self.is_people and schedule.action == "delete"
        """They are people, who are erased one by one."""
        self.only_go = schedule.action == "delete" and not (self.erased or schedule.reasons)
        """Nothing is done with any of them but that it goes: two who do it at once wait for each other's locks on the rows, and
        the second finds none."""
        self.values = values_of(rules.policy.retention.values(), table.fullname)
        self.targets = _targets(schedule, table, self.known)
        self._links = [one for one in rules.survey.to_person(table.fullname) if rules.survey.leads_to_shell(one)]
        shreds = schedule.action == "shred"  # which ends what is theirs as an erasure does
        self.hanging = (
            rules.held_by(table, erased=self.erased or shreds)
            if schedule.action == "delete" or shreds
            else dict[str, ColumnElement[bool]]()
        )

    def due(self) -> ColumnElement[bool]:
        """The rows whose time is over."""
        over = self.ruled.conditions[self.schedule.name].due()
        return and_(over, not_(is_marked(self.table, *NOBODYS))) if self.is_people else over

    def waits(self) -> ColumnElement[bool]:
        """Of these, those that go once what hangs on them may go."""
        free = _YES if self.erased else self._free()
        left = not_(is_marked(self.table, self.schedule.name, KEY)) if self.schedule.action == "shred" else _YES
        return and_(not_(self.ruled.stopped()), free, left, or_(_NO, *self.hanging.values()))

    def ends(self) -> ColumnElement[bool]:
        """Of these, those with which the schedule's action is still to be done, and may be."""
        if self.erased:  # the erasure of each knows which reason keeps what of theirs
            return and_(not_(self.ruled.stopped()), not_(or_(_NO, *self.hanging.values())))
        free = and_(not_(self.ruled.stopped()), self._free(), not_(or_(_NO, *self.hanging.values())))
        if self.schedule.action == "shred":
            return and_(free, not_(is_marked(self.table, self.schedule.name, KEY)))
        if self.schedule.action == "delete":
            return free
        return and_(free, self._to_empty())

    def meanwhile(self) -> ColumnElement[bool]:
        """Of these, those that a reason keeps, and of which something is still to be emptied."""
        if self.schedule.action == "shred" or self.erased or not self.ruled.reasons:
            return _NO
        return and_(not_(self.ruled.stopped()), not_(self._free()), self._to_empty())

    def ending(self, keys: Sequence[tuple[Any, ...]], running: Sequence[Because]) -> Ending:
        """What becomes of rows.

        :param keys: of the rows.
        :param running: the reasons that still keep them.
        """
        if not running and self.schedule.action == "delete":
            return Ending(self.table.fullname, tuple(keys), "delete", values=self.values)
        return Ending(
            self.table.fullname,
            tuple(keys),
            self._fate(running),
            tuple(str(column.name) for column in self.targets),
            self._kept(running),
            self.values,
            ", ".join(dict.fromkeys(one.reason.name for one in running)) or self.schedule.name,
        )

    def hanging_rules(self) -> list[Ruled]:
        """What the policy says of the tables that hang on this one."""
        return [self._rules.of(self._rules.graph.tables[name]) for name in self.hanging]

    def unseen(self, running: Sequence[Because] = ()) -> tuple[Column[Any], ...]:
        """The columns that are emptied, and do not show it."""
        kept = self._kept(running)
        return tuple(c for c in self.targets if c.name not in kept and self._shows(c) is None)

    def _free(self) -> ColumnElement[bool]:
        return not_(self.ruled.kept())

    def _kept(self, running: Sequence[Because]) -> frozenset[str]:
        return frozenset(name for one in running for name in one.keeps)

    def _fate(self, running: Sequence[Because]) -> Literal["anonymise", "pseudonymise"]:
        if self.schedule.action == "anonymise":
            return "anonymise"
        if not running:
            return "pseudonymise"
        return "pseudonymise" if any(one.schedule.meanwhile == "pseudonymise" for one in running) else "anonymise"

    def _to_empty(self) -> ColumnElement[bool]:
        """The rows in which a column is not empty yet that no reason keeps, or that still lead to a person."""
        return or_(_NO, *(self._filled(column) for column in self.targets), *self._linked())

    def _filled(self, column: Column[Any]) -> ColumnElement[bool]:
        shows = self._shows(column)
        full = not_(is_marked(self.table, self.schedule.name, str(column.name))) if shows is None else not_(shows)
        return and_(full, *(not_(one.kept) for one in self.ruled.reasons if column.name in one.keeps))

    def _shows(self, column: Column[Any]) -> ColumnElement[bool] | None:
        """The condition for rows in which the column is empty, or None where that cannot be seen."""
        name, kind = str(column.name), column.type
        given = name in self.values
        if isinstance(kind, JSON) or (given and isinstance(kind, Encrypted)):
            return None
        if not given and column.nullable:
            return column.is_(None)
        if isinstance(kind, Encrypted) or (not given and is_unique(column)):
            return None
        value = self.values[name] if given else empty_value(column)
        return surely(column == value) if isinstance(value, _SEEN) else None

    def _linked(self) -> Iterator[ColumnElement[bool]]:
        """The rows that are to lead to nobody, and do."""
        action = self.schedule.action
        if action == "anonymise" or not self._links:
            return
        parting = [one.kept for one in self.ruled.reasons if one.schedule.meanwhile == "pseudonymise"]
        if action == "pseudonymise":
            parting.append(self._free())
        for reference in self._links:
            parent = reference.parent
            somebody = (
                exists(select(literal(1)).select_from(parent))
                .where(
                    *(one == other for one, other in zip(reference.columns, reference.targets, strict=True)),
                    not_(is_marked(parent, *NOBODYS)),
                )
                .correlate(self.table)
            )
            yield and_(or_(_NO, *parting), somebody)


def values_of(schedules: Collection[Schedule], table: str) -> Mapping[str, object]:
    """What the policy says of single columns of a table that are emptied."""
    return {name: value for one in schedules if one.table == table for name, value in one.values.items()}


def _targets(schedule: Schedule, table: Table, known: PersonalTable | None) -> tuple[Column[Any], ...]:
    """What is emptied: personal columns, but what rows are told apart and held together by."""
    personal = {c.column: c.category for c in known.columns.values()} if known is not None else {}
    if schedule.columns is not None:
        wanted = set(schedule.columns)
    else:
        wanted = {name for name, of in personal.items() if schedule.category in (None, of)}
    if schedule.category is not None:
        wanted &= {name for name, of in personal.items() if of == schedule.category}
    apart = {str(column.name) for column in identity_of(table)}
    if known is not None and known.subject is not None:
        apart.add(known.subject.key or known.subject.steps[0][0])
    return tuple(column for column in table.columns if column.name in wanted - apart and column.computed is None)
