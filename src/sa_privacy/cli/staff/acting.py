"""What the commands about staff share: their options, and the access under which they work."""

from __future__ import annotations

import getpass
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sa_privacy.access import AccessBlock
from sa_privacy.accesslog import EventLog
from sa_privacy.cli.application import Desk, Place
from sa_privacy.cli.log.times import clock_of
from sa_privacy.cli.office import GRANTING
from sa_privacy.cli.telling import fail
from sa_privacy.policy.periods import Period
from sa_privacy.privacy import Privacy

__all__ = ["Grants", "ReasonOption", "Staff", "UntilOption", "ask_password", "moment"]

ReasonOption = Annotated[str, typer.Option(help="Why, for whoever reviews it.", metavar="TEXT", prompt=True)]
UntilOption = Annotated[
    str | None,
    typer.Option(help="The end: P90D from now, 2027-03-31 (that day counts), or a time of ISO 8601.", metavar="TIME"),
]


@dataclass(frozen=True, kw_only=True)
class Grants(Place):
    """Where it stands who may act in which role."""

    what = "what is done about staff"

    def made(self, log: EventLog | None, **more: Any) -> Privacy:
        """The ``Privacy`` of it, which asks the tables each time."""
        return super().made(log, recheck=0, **more)


@dataclass(frozen=True, kw_only=True)
class Staff(Grants, Desk):
    """The same, and who grants."""

    office = GRANTING

    def access(self, privacy: Privacy, reason: str | None) -> AccessBlock:
        """Who acts: nobody grants as whoever happens to use this machine."""
        if self.actor is None:
            fail("who are you?", "--as staff:1, as your application names you.")
        return super().access(privacy, reason)


def ask_password(what: str) -> str:
    """A password from the terminal, twice and unseen; or one line of what is piped in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    said = getpass.getpass(f"{what}: ")
    if getpass.getpass("Again: ") != said:
        fail("these are two passwords.", "type the same twice.")
    return said


def moment(until: str | None) -> datetime | None:
    """When something ends: after a period from now, or at a time."""
    if until is None:
        return None
    try:
        return Period.parse(until).after(datetime.now(UTC))
    except (ValueError, OverflowError):
        if not re.match(r"\d{4}-", until):  # "7d" is a week ago, to commands of the log
            fail(
                f"--until is no end: {until!r}.",
                "write P90D for 90 days from now, PT8H for hours, or a day: 2027-03-31.",
            )
        return clock_of(None, until, local=False).until
