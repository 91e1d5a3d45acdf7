"""How long something is kept: a span of the calendar, as ISO 8601 writes it (``"P3Y"``, ``"P7D"``)."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta

__all__ = ["Period"]

_TEXT = re.compile(r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """Years, months and days, not converted into each other: a month is as long as it is."""

    years: int = 0
    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """The period in a text, of years, months, weeks and days (ISO 8601, 5.5.2).

        :raises ValueError: it is none, or of no length.
        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError('a period is written as in "P7D", "P6M" or "P3Y"')
        years, months, weeks, days = (int(part or 0) for part in found.groups())
        period = cls(years, months, weeks * 7 + days)
        if not period:
            raise ValueError("a period is longer than no day")
        return period

    def before(self, moment: datetime) -> datetime:
        """The moment that lies so long before another; the last day of the month where that day does not exist.

        :raises OverflowError: there was no such year.
        """
        return _moved(moment, -self.years * 12 - self.months, -self.days)

    def over_since(self, moment: datetime) -> datetime:
        """The latest moment of which, and of all before it, the period is over at `moment`; before the calendar began, of none.

        That is not :meth:`before` at the ends of months: at March 30, a month is over for all of February.
        """
        return self._latest(moment, clamped=False)

    def over_since_day(self, moment: datetime) -> date:
        """The same in whole days, each taken for its first moment."""
        return self._latest(moment, clamped=True).date()

    def _latest(self, moment: datetime, *, clamped: bool) -> datetime:
        """:param clamped: moments of the last days of a longer month count as over on the last day of a shorter one."""
        began = datetime.min.replace(tzinfo=moment.tzinfo)
        if moment - began < timedelta(days=self.days):
            return began
        until = moment - timedelta(days=self.days)
        year, month = divmod(until.year * 12 + until.month - 1 - self.years * 12 - self.months, 12)
        if year < MINYEAR:
            return began
        last = monthrange(year, month + 1)[1]
        ends = until.day == monthrange(until.year, until.month)[1]
        if until.day > last or (clamped and ends):
            return datetime.max.replace(year=year, month=month + 1, day=last, tzinfo=moment.tzinfo)
        return until.replace(year=year, month=month + 1)

    def after(self, moment: datetime) -> datetime:
        """The moment that lies so long after another; the last day of the month where that day does not exist.

        :raises OverflowError: there is no such year.
        """
        return _moved(moment, self.years * 12 + self.months, self.days)

    def __bool__(self) -> bool:
        return bool(self.years or self.months or self.days)

    def __str__(self) -> str:
        parts = ((self.years, "Y"), (self.months, "M"), (self.days, "D"))
        return "P" + "".join(f"{count}{unit}" for count, unit in parts if count)


def _moved(moment: datetime, months: int, days: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError("the period leads out of the calendar")
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day) + timedelta(days=days)
