"""What becomes of each row of a person: whether it goes, which reason keeps it and until when, what holds it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as daytime
from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement, Connection, Table, case, select

from sa_privacy.customers.destruction import Ending, Key
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.erasure.plan import HeldBack, Kept
from sa_privacy.customers.owned import OwnedTable
from sa_privacy.customers.retention.conditions import Conditions
from sa_privacy.errors import RetentionRefused
from sa_privacy.policy import Guard, Policy, Reason, Schedule

__all__ = ["Found", "Holding", "endings_of"]


class Holding(Protocol):
    """Says which rows are under a hold."""

    def cases(self, connection: Connection, table: Table) -> Mapping[str, ColumnElement[bool]]:
        """By case number, the condition for the rows of a table that must stay as they are."""
        ...


@dataclass
class Found:
    """What becomes of a person's rows.

    :param endings: of all rows but those that are held back.
    :param kept: what stays, and why.
    :param held: what must not be touched yet, and by what.
    """

    endings: list[Ending] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    held: list[HeldBack] = field(default_factory=list)


@dataclass(frozen=True)
class _Because:
    """A reason of a schedule."""

    schedule: Schedule
    reason: Reason
    conditions: Conditions


def endings_of(
    connection: Connection,
    policy: Policy,
    tables: Iterable[OwnedTable],
    key: object,
    now: datetime,
    holding: Holding | None = None,
) -> Found:
    """What becomes of the rows of one person.

    :param connection: of a desk that reaches everything.
    :param tables: that hold something of people of their kind.
    :param key: of the person.
    """
    found = Found()
    for owned in tables:
        _Rows(connection, policy, owned, now, holding).add_to(found, key)
    return found


class _Rows:
    """The rows of a person in one table."""

    def __init__(
        self, connection: Connection, policy: Policy, owned: OwnedTable, now: datetime, holding: Holding | None
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._owned = owned
        self._table = owned.table
        schedules = [one for one in policy.retention.values() if self._concerns(one)]
        of = {one.name: Conditions(one, self._table, policy.clocks, now, connection) for one in schedules}
        self._reasons = [_Because(s, reason, of[s.name]) for s in schedules for reason in s.reasons.values()]
        self._guards = [(guard, of[s.name]) for s in schedules for guard in s.guards.values()]
        self._cases = holding.cases(connection, self._table) if holding is not None else {}

    def _concerns(self, schedule: Schedule) -> bool:
        """Whether a schedule is about rows of the table, or about a column of it."""
        if schedule.table is not None:
            return schedule.table == self._owned.name
        return any(column.category == schedule.category for column in self._owned.columns)

    def add_to(self, found: Found, key: object) -> None:
        """Sorts the rows by what becomes of them."""
        identity = identity_of(self._table)
        asked: list[Any] = [*identity]
        asked += [_flag(one.conditions.kept(one.reason)) for one in self._reasons]
        asked += [one.conditions.moment(one.reason) for one in self._reasons]
        asked += [_flag(conditions.held_back(guard)) for guard, conditions in self._guards]
        asked += [_flag(condition) for condition in self._cases.values()]
        rows = select(*asked).select_from(self._table).where(self._owned.belonging_to([key]))
        kept: dict[tuple[int, ...], list[Key]] = {}
        until: dict[int, tuple[int, datetime | None]] = {}
        held: dict[HeldBack, int] = {}
        for row in self._connection.execute(rows).all():
            values = iter(tuple(row))
            identified = tuple(next(values) for _ in identity)
            keeps = [bool(next(values)) for _ in self._reasons]
            moments = [next(values) for _ in self._reasons]
            stopped = [*self._stopped(values)]
            for one in stopped:
                held[one] = held.get(one, 0) + 1
            if stopped:
                continue
            running = tuple(at for at, keep in enumerate(keeps) if keep)
            for at in running:
                count, last = until.get(at, (0, None))
                ends = _ends(self._reasons[at].reason, moments[at])
                until[at] = (count + 1, max(last, ends) if last is not None and ends is not None else last or ends)
            kept.setdefault(running, []).append(identified)
        found.held += [HeldBack(self._owned.name, count, one.by, one.what, one.ends) for one, count in held.items()]
        for at, (count, last) in until.items():
            because = self._reasons[at]
            found.kept.append(
                Kept(self._owned.name, count, because.reason.name, because.reason.law, last, self._keeps(because))
            )
        for running, keys in kept.items():
            found.endings.append(self._ending(tuple(keys), [self._reasons[at] for at in running]))

    def _stopped(self, flags: Iterator[Any]) -> Iterator[HeldBack]:
        """What holds a row back."""
        for guard, _ in self._guards:
            if next(flags):
                yield _by_guard(self._owned.name, guard)
        for case_number in self._cases:
            if next(flags):
                yield HeldBack(self._owned.name, 1, "hold", case_number, {})

    def _ending(self, keys: tuple[Key, ...], running: list[_Because]) -> Ending:
        if not running:
            return Ending(self._owned.name, keys, "delete", values=self._values())
        keeps = {column for one in running for column in self._keeps(one)}
        noise = [column for column in self._owned.columns if column.column in keeps and column.by_subject]
        if noise:
            raise kept_noise(noise[0].name)
        fates = {one.schedule.meanwhile for one in running}
        why = ", ".join(dict.fromkeys(one.reason.name for one in running))
        fate: Literal["anonymise", "pseudonymise"] = "anonymise" if fates == {"anonymise"} else "pseudonymise"
        return Ending(self._owned.name, keys, fate, keeps=frozenset(keeps), values=self._values(), why=why)

    def _values(self) -> Mapping[str, object]:
        """What the policy says of single columns of the table."""
        said = [one.values for one in self._policy.retention.values() if one.table == self._owned.name]
        return {name: value for values in said for name, value in values.items()}

    def _keeps(self, because: _Because) -> tuple[str, ...]:
        """The personal columns that a reason keeps: those that it names; of a category, all of its columns."""
        if because.reason.keeps is not None:
            return because.reason.keeps
        if because.schedule.category is None:
            return ()
        return tuple(c.column for c in self._owned.columns if c.category == because.schedule.category)


def kept_noise(column: str) -> RetentionRefused:
    """A reason keeps what nobody can read once the person's key is destroyed."""
    return RetentionRefused(
        f"{column} is kept by a reason of the policy, and is sealed under the person's key, which ends with them.",
        hint='keep such a column under the keyring: pii_column(...) without key="subject", then sa-privacy reseal; or leave it '
        "out of keeps.",
        columns=(column,),
    )


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0).label(None)


def _by_guard(table: str, guard: Guard) -> HeldBack:
    return HeldBack(table, 1, "guard", guard.name, guard.ends)


def _ends(reason: Reason, moment: object) -> datetime | None:
    """When a reason ends; None: nobody can say, since its time does not run yet."""
    if isinstance(moment, str):  # of an expression, in SQLite
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return reason.period.after(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    if isinstance(moment, date):
        return reason.period.after(datetime.combine(moment, daytime(), UTC))
    return None
