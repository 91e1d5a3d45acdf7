"""What a policy says of the end of data: how long it is kept, what keeps it longer, and what happens to it then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from sa_privacy.policy.periods import Period
from sa_privacy.policy.vocabulary import LATER

__all__ = [
    "ACTIONS",
    "MEANWHILE",
    "Action",
    "Clock",
    "ErasureRules",
    "Guard",
    "Meanwhile",
    "Reason",
    "Schedule",
]

Action = Literal["delete", "anonymise", "pseudonymise", "shred"]
"""What happens to a row in the end. *delete*: it goes, and what hangs on it before it. *anonymise*: its personal columns are
emptied. *pseudonymise*: and its link to the person leads to a row that says nothing of them. *shred*: the person's key is
destroyed, so that what is sealed under it is noise wherever it is."""
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

Meanwhile = Literal["pseudonymise", "anonymise"]
MEANWHILE: Final[tuple[Meanwhile, ...]] = get_args(Meanwhile)


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment of a row that is no column of it, such as the last order of a customer.

    :param table: of the rows, ``"table"`` or ``"schema.table"``.
    :param sql: an expression over a row of the table, often ``(SELECT max(...) ...)``; NULL: the time does not run.
    """

    name: str
    title: Mapping[str, str]
    table: str
    sql: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the law wants a row kept longer. Of several, the one that ends last decides.

    :param law: which law.
    :param clock: from when the period runs; None: as the schedule's.
    :param keeps: columns that stay as they are; None: all that hold nothing personal.
    """

    name: str
    title: Mapping[str, str]
    law: str
    period: Period
    clock: str | None = None
    keeps: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """While it holds for a row, nothing happens to it.

    :param sql: a condition over a row of the table.
    :param ends: when it will not hold any more, for people.
    """

    name: str
    title: Mapping[str, str]
    sql: str
    ends: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long rows of a table, or columns of a category, are kept.

    :param table: ``"table"`` or ``"schema.table"``; None where it is about a category.
    :param category: whose columns are anonymised, in whatever table; None where it is about a table.
    :param clock: a column of the table, or one of the policy's clocks: from when the period runs.
    :param columns: what *anonymise* empties; None: every personal column (of the category).
    :param meanwhile: what happens to a row when its time is over, or its person is erased, and a reason still keeps it.
    :param clause: where the published policy says so.
    :param values: what stands in a column that is anonymised, where an empty value will not do.
    :param since: what the clock is called, where it is a column.
    """

    name: str
    title: Mapping[str, str]
    table: str | None
    category: str | None
    clock: str
    period: Period
    action: Action
    columns: tuple[str, ...] | None = None
    meanwhile: Meanwhile = "pseudonymise"
    clause: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    guards: Mapping[str, Guard] = field(default_factory=dict)
    since: Mapping[str, str] = field(default_factory=dict, metadata=LATER)


@dataclass(frozen=True, slots=True)
class ErasureRules:
    """Who ends the life of data.

    :param roles: those that plan and run erasures and retention, and place and release holds.
    """

    roles: frozenset[str] = frozenset()
