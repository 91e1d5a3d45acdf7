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
    func,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError

from sa_privacy.errors import RetentionRefused
from sa_privacy.policy import Clock, Guard, Reason, Schedule
from sa_privacy.policy.periods import Period

__all__ = ["Conditions", "end_of"]

#: Types of PostgreSQL by their numbers: what an expression is, is known by what it returns.
_TYPES: Final[Mapping[int, Any]] = {1082: Date(), 1114: DateTime(), 1184: DateTime(timezone=True)}
_NO_MOMENT: Final = "gives no date and no timestamp"


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
        self._asked: dict[str, ColumnElement[Any]] = {}

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

    def moment(self, reason: Reason | None = None) -> ColumnElement[Any]:
        """The moment of a row from which the time runs: that of a reason, or of the schedule."""
        return self._moment((reason.clock if reason is not None else None) or self._schedule.clock)

    def _over(self, clock: str, period: Period) -> ColumnElement[bool]:
        expression = self._moment(clock)
        cutoff = period.over_since(self._now)
        kind = expression.type
        if isinstance(kind, Date):
            value: Any = period.over_since_day(self._now)
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
        if name not in self._asked:
            self._asked[name] = self._clock(name, clock)
        return self._asked[name]

    def _clock(self, name: str, clock: Clock) -> ColumnElement[Any]:
        said: ColumnElement[Any] = literal_column(f"({clock.sql})")
        if not self._is_postgresql:
            return _as_moment(said)
        asked: Any = select(said).select_from(self._table).limit(0)
        try:
            with self._connection.begin_nested():
                result = self._connection.execute(asked)
        except DBAPIError as error:
            if error.connection_invalidated:  # says nothing of the clock
                raise
            raise self._no_clock(name, "is an expression that the database does not take") from None
        cursor: Any = result.cursor
        kind: Any = _TYPES.get(cursor.description[0][1])
        result.close()
        if kind is None:
            raise self._no_clock(name, _NO_MOMENT)
        return literal_column(f"({clock.sql})", kind)

    def check_clocks(self) -> None:
        """Looks at one value of each of the policy's clocks where the database itself does not know of what type they are.

        :raises RetentionRefused: it is no moment.
        """
        for name in dict.fromkeys(
            [self._schedule.clock, *(one.clock or "" for one in self._schedule.reasons.values())]
        ):
            clock = self._clocks.get(name)
            if clock is None or _column(self._table, name) is not None or self._is_postgresql:
                continue
            said: ColumnElement[Any] = literal_column(f"({clock.sql})")
            given = select(_as_moment(said)).select_from(self._table).where(said.is_not(None)).limit(1)
            if self._connection.execute(given).first() == (None,):
                raise self._no_clock(name, _NO_MOMENT)

    def _no_clock(self, name: str, what: str) -> RetentionRefused:
        return RetentionRefused(
            f'the schedule "{self._schedule.name}" of the policy runs from "{name}", which {what}.',
            hint="clock: a Date or DateTime column of the table, or one of [clocks].",
        )


def _column(table: Table, name: str) -> Column[Any] | None:
    return next((column for column in table.columns if column.name == name), None)


def _as_moment(said: ColumnElement[Any]) -> ColumnElement[Any]:
    """What an expression says in SQLite, as a moment in UTC: it has no type, and anything can be compared with a date there.
    NULL where it is no moment: a time that nobody can tell does not run, and a reason holds on.
    """
    text = func.strftime("%Y-%m-%d %H:%M:%f", said)
    return type_coerce(func.nullif(func.max("0000", func.coalesce(text, "0000")), "0000"), DateTime())


def end_of(period: Period, moment: datetime) -> datetime | None:
    """When a period that runs from a moment is over; None: never, as calendars go."""
    try:
        return period.after(moment)
    except OverflowError:
        return None
