"""Counting what a schedule would do: one statement for each schedule and table, which reads all rows that are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from datetime import time as daytime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select
from sqlalchemy.exc import DBAPIError

from sa_privacy.customers.destruction.rows import savepoint
from sa_privacy.customers.retention.conditions import end_of
from sa_privacy.customers.retention.plan import Due, Waiting
from sa_privacy.customers.retention.rows import Rows
from sa_privacy.customers.retention.ruled import Because
from sa_privacy.errors import RetentionRefused

__all__ = ["as_moment", "count"]


def count(connection: Connection, rows: Rows, now: datetime) -> Due:
    """What a schedule would do in a table.

    :raises RetentionRefused: the SQL of a clock or a guard is none that the database takes.
    """
    ruled, schedule = rows.ruled, rows.schedule
    moment = ruled.conditions[schedule.name].moment()
    asked: list[Any] = [
        func.count(),
        func.min(moment),
        _number(rows.ends()),
        _number(rows.meanwhile()),
        *(_number(said) for *_, said in ruled.guards),
        *(_number(said) for said in ruled.cases.values()),
        *(_number(and_(rows.waits(), said)) for said in rows.hanging.values()),
    ]
    reasons = () if rows.erased else ruled.reasons
    for one in reasons:
        asked += [
            _number(one.kept),
            func.max(case((one.kept, one.moment))),
            _number(and_(one.kept, one.moment.is_(None))),
        ]
    try:
        with savepoint(connection):
            for conditions in ruled.conditions.values():
                conditions.check_clocks()
            found = connection.execute(select(*asked).select_from(rows.table).where(rows.due())).one()
    except DBAPIError as error:
        if error.connection_invalidated or (fault := _fault(connection, rows)) is None:
            raise
        raise fault from error
    values = iter(tuple(found))
    over, since, ends, meanwhile = (next(values) for _ in range(4))
    waiting = tuple(one for one in _waiting(rows, reasons, values) if one.rows)
    return Due(
        schedule.name,
        schedule.title,
        str(rows.table.fullname),
        schedule.action,
        schedule.clock,
        str(schedule.period),
        schedule.period.over_since(now),
        as_moment(since),
        over,
        ends,
        meanwhile,
        waiting,
        schedule.clause,
    )


def _waiting(rows: Rows, reasons: tuple[Because, ...], values: Iterator[Any]) -> Iterator[Waiting]:
    for _, guard, _ in rows.ruled.guards:
        yield Waiting("guard", guard.name, next(values), guard.title, ends=guard.ends)
    for number in rows.ruled.cases:
        yield Waiting("hold", number, next(values))
    for name in rows.hanging:
        yield Waiting("rows", name, next(values))
    for one in reasons:
        kept, last, not_running = next(values), as_moment(next(values)), next(values)
        until = None if not_running or last is None else end_of(one.reason.period, last)
        yield Waiting("reason", one.reason.name, kept, one.reason.title, one.reason.law, until)


def as_moment(value: object) -> datetime | None:
    """What a clock shows, in UTC: what says nothing of its zone is taken for UTC, a date for its first moment."""
    if isinstance(value, str):  # of an expression, in SQLite
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, daytime(), UTC)
    return None


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _fault(connection: Connection, rows: Rows) -> RetentionRefused | None:
    """Which clock or guard it is that the database does not take."""
    for ruled in [rows.ruled, *rows.hanging_rules()]:
        for schedule in ruled.schedules:
            conditions = ruled.conditions[schedule.name]
            moments = [("clock", schedule.clock, conditions.moment())]
            moments += [
                ("clock", one.clock or schedule.clock, conditions.moment(one)) for one in schedule.reasons.values()
            ]
            parts = [
                *moments,
                *(
                    ("guard", name, said)
                    for one, guard, said in ruled.guards
                    if one is schedule
                    for name in [guard.name]
                ),
            ]
            for kind, name, said in parts:
                try:
                    with savepoint(connection):
                        connection.execute(select(func.count(said)).select_from(ruled.table)).scalar()
                except DBAPIError as error:
                    if error.connection_invalidated:  # says nothing of the policy
                        raise
                    return RetentionRefused(
                        f'the database does not take the {kind} "{name}" of the schedule "{schedule.name}" '
                        f"over {ruled.table.fullname}.",
                        hint="put its SQL right in the policy; nothing was changed.",
                    )
    return None
