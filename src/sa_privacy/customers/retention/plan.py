"""What retention would do, as data: per schedule and table what is due and since when, and what is held back, by what, until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sa_privacy.customers.retention.words import table_of

__all__ = ["Due", "RetentionPlan", "Waiting"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows whose time is over, and with which a schedule is not done for all that.

    :param by: a ``"guard"`` or ``"reason"`` of the policy; a ``"hold"``; or ``"rows"`` that hang on them and have to stay.
    :param what: the name of the guard or reason, the number of the case, or the table of those rows.
    :param law: of a reason.
    :param until: when the reason ends for the last of them; None: its time does not run yet, or it is none.
    :param ends: when that will be over, in words, by language; empty where nobody has said.
    """

    by: Literal["guard", "reason", "hold", "rows"]
    what: str
    rows: int
    title: Mapping[str, str] = field(default_factory=dict, hash=False)
    law: str = ""
    until: datetime | None = None
    ends: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Due:
    """What one schedule does in one table.

    :param schedule: its name in the policy; for a ledger of the library, the name of its table.
    :param clock: from when the time runs, and `period` how long.
    :param before: rows with a moment before this one are due.
    :param since: the earliest moment of a row that is due.
    :param over: rows whose time is over.
    :param ends: of these, the rows with which the action is done now.
    :param meanwhile: of these, the rows that a reason still keeps, and of which something is emptied now.
    :param waiting: what is held back, and by what; a row may be held back by several.
    """

    schedule: str
    title: Mapping[str, str] = field(hash=False)
    table: str
    action: str
    clock: str
    period: str
    before: datetime
    since: datetime | None
    over: int
    ends: int
    meanwhile: int
    waiting: tuple[Waiting, ...] = ()
    clause: str | None = None

    @property
    def to_do(self) -> int:
        """How many rows are changed."""
        return self.ends + self.meanwhile


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What retention would do at a moment.

    :param as_of: the moment.
    """

    as_of: datetime
    due: tuple[Due, ...]

    def as_text(self, language: str = "en") -> str:
        """A table for people.

        :param language: of the policy's; where it has no words, the first that it has.
        """
        return table_of(self, language)

    def as_data(self) -> dict[str, Any]:
        """The same for programs: what JSON can say."""
        return {
            "as_of": self.as_of.isoformat(),
            "due": [
                {
                    "schedule": one.schedule,
                    "title": dict(one.title),
                    "table": one.table,
                    "action": one.action,
                    "clock": one.clock,
                    "period": one.period,
                    "clause": one.clause,
                    "before": one.before.isoformat(),
                    "since": one.since.isoformat() if one.since is not None else None,
                    "over": one.over,
                    "ends": one.ends,
                    "meanwhile": one.meanwhile,
                    "waiting": [
                        {
                            "by": held.by,
                            "what": held.what,
                            "rows": held.rows,
                            "title": dict(held.title),
                            "law": held.law,
                            "until": held.until.isoformat() if held.until is not None else None,
                            "ends": dict(held.ends),
                        }
                        for held in one.waiting
                    ],
                }
                for one in self.due
            ],
        }
