"""A schedule of the policy as SQL: whose time is over, which reason keeps a row for how long, which guard holds it back.

All of it is asked of the database, so that a row is judged as it is at the moment at which it would go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Table,
    and_,
    bindparam,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError

from sa_privacy.errors import RetentionRefused
from sa_privacy.policy import Clock, Guard, Reason, Schedule
from sa_privacy.policy.periods import Period

__all__ = ["Conditions"]

#: Types of PostgreSQL by their numbers: what an expression is, is known by what it returns.
_TYPES: Final[Mapping[int, Any]] = {1082: Date(), 1114: DateTime(), 1184: DateTime(timezone=True)}


class Conditions:
    """What a schedule says of rows of one table.

    :param table: whose rows they are; for a schedule about a category, one of its tables.
    :param now: the moment that counts, aware.
    :param connection: of a desk; to ask of what type an expression is.
    """

    def __init__(
        self, schedule: Schedule, table: Table, clocks: Mapping[str, Clock], now: datetime, connection: Connection
    ) -> None:
        self._schedule = schedule
        self._table = table
        self._clocks = clocks
        self._now = now.astimezone(UTC)
        self._connection = connection

    def due(self) -> ColumnElement[bool]:
        """The rows whose time is over. A row without the moment from which it runs is none of them."""
        return self._over(self._schedule.clock, self._schedule.period)

    def kept(self, reason: Reason) -> ColumnElement[bool]:
        """The rows that a reason still keeps; those without the moment from which it runs, too."""
        clock = reason.clock or self._schedule.clock
        return or_(self._moment(clock).is_(None), not_(self._over(clock, reason.period)))

    def held_back(self, guard: Guard) -> ColumnElement[bool]:
        """The rows that a guard holds back; those of which it cannot tell, too."""
        said: ColumnElement[bool] = literal_column(f"({guard.sql})", Boolean())
        return or_(said, said.is_(None))

    def free(self) -> ColumnElement[bool]:
        """The rows that no reason keeps and no guard holds back."""
        reasons = [not_(self.kept(reason)) for reason in self._schedule.reasons.values()]
        guards = [not_(self.held_back(guard)) for guard in self._schedule.guards.values()]
        return and_(literal_column("1 = 1", Boolean()), *reasons, *guards)

    def ends(self, reason: Reason, moment: datetime) -> datetime:
        """When a reason keeps a row no longer.

        :param moment: of the row, see :meth:`moment`.
        """
        return reason.period.after(moment)

    def moment(self, reason: Reason | None = None) -> ColumnElement[Any]:
        """The moment of a row from which the time runs: that of a reason, or of the schedule."""
        return self._moment((reason.clock if reason is not None else None) or self._schedule.clock)

    def _over(self, clock: str, period: Period) -> ColumnElement[bool]:
        expression = self._moment(clock)
        cutoff = period.before(self._now)
        kind = expression.type
        if isinstance(kind, Date):
            value: Any = cutoff.date()
        else:
            value = cutoff if getattr(kind, "timezone", False) and self._is_postgresql else cutoff.replace(tzinfo=None)
        return expression <= bindparam(None, value, type_=kind)

    @property
    def _is_postgresql(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    def _moment(self, name: str) -> ColumnElement[Any]:
        """The column, or the policy's clock, of this name.

        :raises RetentionRefused: there is none, or it is no moment.
        """
        column = _column(self._table, name)
        if column is not None:
            if not isinstance(column.type, (Date, DateTime)):
                raise self._no_clock(name, "is no date and no date with a time")
            return column
        clock = self._clocks.get(name)
        if clock is None or clock.table != self._table.fullname:
            raise self._no_clock(name, f"is no column of {self._table.fullname} and no clock of the policy for it")
        kind: Any = DateTime()
        if self._is_postgresql:
            asked: Any = select(literal_column(f"({clock.sql})")).select_from(self._table).limit(0)
            try:
                with self._connection.begin_nested():
                    result = self._connection.execute(asked)
            except DBAPIError:
                raise self._no_clock(name, "is an expression that the database does not take") from None
            cursor: Any = result.cursor
            kind = _TYPES.get(cursor.description[0][1])
            result.close()
            if kind is None:
                raise self._no_clock(name, "gives no date and no timestamp")
        return literal_column(f"({clock.sql})", kind)

    def _no_clock(self, name: str, what: str) -> RetentionRefused:
        return RetentionRefused(
            f'the schedule "{self._schedule.name}" of the policy runs from "{name}", which {what}.',
            hint="clock: a Date or DateTime column of the table, or one of [clocks].",
        )


def _column(table: Table, name: str) -> Column[Any] | None:
    return next((column for column in table.columns if column.name == name), None)
