"""What becomes of each row of a person: whether it goes, which reason keeps it and until when, what holds it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from datetime import time as daytime
from typing import Any, Literal, Protocol

from sqlalchemy import ColumnElement, Connection, Select, Table, case, select
from sqlalchemy.exc import DBAPIError

from sa_privacy.columns.catalogue import PersonalColumn
from sa_privacy.customers.destruction import Ending, Key
from sa_privacy.customers.destruction.graph import identity_of
from sa_privacy.customers.destruction.rows import in_batches, matching, savepoint
from sa_privacy.customers.erasure.plan import HeldBack, Kept
from sa_privacy.customers.owned import OwnedTable
from sa_privacy.customers.retention.conditions import Conditions, end_of
from sa_privacy.errors import RetentionRefused
from sa_privacy.policy import Guard, Policy, Reason, Schedule

__all__ = ["Found", "Holding", "endings_of", "endings_with"]


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
    :param looked: all rows that were asked about, by table and key.
    """

    endings: list[Ending] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    held: list[HeldBack] = field(default_factory=list)
    looked: set[tuple[str, Key]] = field(default_factory=set, repr=False)


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
        rows = _Rows(connection, policy, owned.table, owned.columns, now, holding)
        rows.add_to(found, owned.belonging_to([key]))
    return found


def endings_with(
    connection: Connection,
    policy: Policy,
    table: Table,
    columns: Iterable[PersonalColumn],
    keys: Iterable[Key],
    now: datetime,
    holding: Holding | None = None,
) -> Found | None:
    """What becomes of rows that would go with a person's although nobody said that they are theirs.

    :param columns: of the table, those that are personal.
    :param keys: of the rows.
    :returns: None: neither the policy nor a hold says anything of such rows.
    """
    rows = _Rows(connection, policy, table, columns, now, holding)
    if rows.says_nothing:
        return None
    found, identity = Found(), identity_of(table)
    for some in in_batches(keys, len(identity)):
        rows.add_to(found, matching(identity, some))
    return found


class _Rows:
    """Rows of one table that end with a person."""

    def __init__(
        self,
        connection: Connection,
        policy: Policy,
        table: Table,
        columns: Iterable[PersonalColumn],
        now: datetime,
        holding: Holding | None,
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._table = table
        self._name = str(table.fullname)
        self._columns = tuple(columns)
        schedules = [one for one in policy.retention.values() if self._concerns(one)]
        of = {one.name: Conditions(one, self._table, policy.clocks, now, connection) for one in schedules}
        self._reasons = [_Because(s, reason, of[s.name]) for s in schedules for reason in s.reasons.values()]
        self._guards = [(guard, of[s.name]) for s in schedules for guard in s.guards.values()]
        self._cases = holding.cases(connection, self._table) if holding is not None else {}
        self.says_nothing = not (schedules or self._cases)
        """Neither the policy nor a hold says anything of rows of the table."""

    def _concerns(self, schedule: Schedule) -> bool:
        """Whether a schedule is about rows of the table, or about a column of it."""
        if schedule.table is not None:
            return schedule.table == self._name
        return any(column.category == schedule.category for column in self._columns)

    def add_to(self, found: Found, wanted: ColumnElement[bool]) -> None:
        """Sorts rows by what becomes of them.

        :param wanted: the condition for the rows.
        """
        identity = identity_of(self._table)
        asked: list[Any] = [*identity]
        asked += [_flag(one.conditions.kept(one.reason)) for one in self._reasons]
        asked += [one.conditions.moment(one.reason) for one in self._reasons]
        asked += [_flag(conditions.held_back(guard)) for guard, conditions in self._guards]
        asked += [_flag(condition) for condition in self._cases.values()]
        rows = select(*asked).select_from(self._table).where(wanted)
        kept: dict[tuple[int, ...], list[Key]] = {}
        until: dict[int, tuple[int, datetime | None]] = {}
        held: dict[HeldBack, int] = {}
        for row in self._asked(rows):
            values = iter(tuple(row))
            identified = tuple(next(values) for _ in identity)
            found.looked.add((self._name, identified))
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
        found.held += [replace(one, rows=count) for one, count in held.items()]
        for at, (count, last) in until.items():
            because, reason = self._reasons[at], self._reasons[at].reason
            columns = self._keeps(because)
            found.kept.append(Kept(self._name, count, reason.name, reason.law, last, columns, dict(reason.title)))
        for running, keys in kept.items():
            found.endings.append(self._ending(tuple(keys), [self._reasons[at] for at in running]))

    def _asked(self, rows: Select[Any]) -> Sequence[Any]:
        """The answer of the database.

        :raises RetentionRefused: the SQL of a clock or a guard is none that it takes.
        """
        try:
            with savepoint(self._connection):
                return self._connection.execute(rows).all()
        except DBAPIError as error:
            if error.connection_invalidated or not (self._reasons or self._guards):
                raise
            names = [*(one.reason.name for one in self._reasons), *(guard.name for guard, _ in self._guards)]
            raise RetentionRefused(
                f"the database does not take a clock or a guard of the policy over {self._name}: one of "
                f"{', '.join(dict.fromkeys(names))}.",
                hint="sa-privacy retention plan names it. Put its SQL right in the policy; nothing was changed.",
            ) from None

    def _stopped(self, flags: Iterator[Any]) -> Iterator[HeldBack]:
        """What holds a row back."""
        for guard, _ in self._guards:
            if next(flags):
                yield _by_guard(self._name, guard)
        for case_number in self._cases:
            if next(flags):
                yield HeldBack(self._name, 1, "hold", case_number, {})

    def _ending(self, keys: tuple[Key, ...], running: list[_Because]) -> Ending:
        if not running:
            return Ending(self._name, keys, "delete", values=self._values())
        keeps = {column for one in running for column in self._keeps(one)}
        noise = [column for column in self._columns if column.column in keeps and column.by_subject]
        if noise:
            raise kept_noise(noise[0].name)
        fates = {one.schedule.meanwhile for one in running}
        why = ", ".join(dict.fromkeys(one.reason.name for one in running))
        fate: Literal["anonymise", "pseudonymise"] = "anonymise" if fates == {"anonymise"} else "pseudonymise"
        return Ending(self._name, keys, fate, keeps=frozenset(keeps), values=self._values(), why=why)

    def _values(self) -> Mapping[str, object]:
        """What the policy says of single columns of the table."""
        said = [one.values for one in self._policy.retention.values() if one.table == self._name]
        return {name: value for values in said for name, value in values.items()}

    def _keeps(self, because: _Because) -> tuple[str, ...]:
        """The personal columns that a reason keeps: those that it names; of a category, all of its columns."""
        if because.reason.keeps is not None:
            return because.reason.keeps
        if because.schedule.category is None:
            return ()
        return tuple(c.column for c in self._columns if c.category == because.schedule.category)


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
    return HeldBack(table, 1, "guard", guard.name, dict(guard.ends), dict(guard.title))


def _ends(reason: Reason, moment: object) -> datetime | None:
    """When a reason ends; None: nobody can say, since its time does not run yet."""
    if isinstance(moment, str):  # of an expression, in SQLite
        moment = datetime.fromisoformat(moment)
    if isinstance(moment, datetime):
        return end_of(reason.period, moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    if isinstance(moment, date):
        return end_of(reason.period, datetime.combine(moment, daytime(), UTC))
    return None
