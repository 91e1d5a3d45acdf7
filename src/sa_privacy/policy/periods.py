"""How long something is kept: a span of the calendar, as ISO 8601 writes it (``"P3Y"``, ``"P7D"``)."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta

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
