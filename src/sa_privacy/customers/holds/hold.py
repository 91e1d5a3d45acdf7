"""A hold, as it is in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

__all__ = ["Hold", "HoldKind"]

HoldKind = Literal["subject", "row", "table", "query"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Rows that must stay as they are.

    :param id: of the hold.
    :param case: the number of the case that it is for.
    :param kind: everything of a person, one row, a whole table, or what a query finds.
    :param table: of the rows, ``"table"`` or ``"schema.table"``; None: every table that holds something of the person.
    :param freeze: personal values must not be changed at all, and not only stay.
    :param since: when it was placed.
    :param by: who placed it.
    :param review_by: the day by which somebody has to look whether it is still wanted.
    :param person: whose rows, as ``(kind, key)``.
    :param condition: of a query.
    """

    id: str
    case: str
    kind: HoldKind
    table: str | None
    freeze: bool
    since: datetime
    by: str | None
    review_by: date | None
    person: tuple[str, str] | None = field(default=None, repr=False)
    condition: str | None = field(default=None, repr=False)
