"""Times as people give them and read them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Final, NamedTuple

import typer

from sa_privacy.cli.telling import fail

__all__ = ["Clock", "LocalOption", "SinceOption", "UntilOption", "ago", "clock_of"]

SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", "--from", help="The first moment: 24h, 7d, 2026-11-26, or a time of ISO 8601.", metavar="TIME"
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", "--to", help="The moment after the last one; a date counts whole.", metavar="TIME"),
]
LocalOption = Annotated[bool, typer.Option("--local", help="Times of this machine's zone, not of UTC.")]

_BACK: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WAYS: Final = "write 90m, 24h, 7d, 2026-11-26, or 2026-11-26T09:00 (with +09:00 or Z for a zone of its own)."


class Clock(NamedTuple):
    """The time asked for, and the zone that times are given and shown in.

    :ivar since, until: the first moment, and the one after the last; None: from the beginning, to the end.
    """

    since: datetime | None
    until: datetime | None
    zone: tzinfo | None

    @property
    def name(self) -> str:
        """What to call the zone: ``"UTC"``, ``"JST (UTC+09:00)"``."""
        if self.zone is UTC:
            return "UTC"
        now = datetime.now(UTC).astimezone(self.zone)
        name, east = now.tzname() or "", f"{now:%z}"
        return name if name == "UTC" else f"{name} (UTC{east[:3]}:{east[3:5]})"

    def show(self, at: datetime | None) -> str:
        """A time, to the second."""
        return "" if at is None else f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def span(self, language: str = "en") -> str:
        """The time asked for, in words."""
        if self.since is None and self.until is None:
            return "全期間" if language == "ja" else "all times"
        begin, end = self.show(self.since), self.show(self.until)
        if language == "ja":
            return f"{begin or '最初'} から {end or '現在'} まで"
        return f"{begin or 'the beginning'} to {end or 'now'}"


def clock_of(since: str | None, until: str | None, *, local: bool) -> Clock:
    """What was asked for; ends the command where it is no time, or ends before it begins."""
    zone = None if local else UTC
    now = datetime.now(UTC)
    begin, end = _moment("--since", since, now, zone), _moment("--until", until, now, zone, whole=True)
    if begin is not None and end is not None and end <= begin:
        fail("--until is not after --since.", "the first moment comes first.")
    return Clock(begin, end, zone)


def _moment(
    option: str, said: str | None, now: datetime, zone: tzinfo | None, *, whole: bool = False
) -> datetime | None:
    if said is None:
        return None
    text = said.strip()
    if text == "now":
        return now
    try:
        if back := _BACK.fullmatch(text):
            return now - timedelta(**{_UNITS[back[2]]: int(back[1])})
        if len(text) == len("2026-11-26"):
            day = date.fromisoformat(text) + timedelta(days=whole)
            return datetime.combine(day, time(), zone).astimezone(UTC)
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone) if zone is not None else at.astimezone()
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{option} is no time: {said!r}.", _WAYS)


def ago(at: datetime, now: datetime | None = None) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = int(((now or datetime.now(UTC)) - at).total_seconds())
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            count = seconds // unit
            return f"{count} {name}{'s' * (count > 1)} ago"
    return "just now"
