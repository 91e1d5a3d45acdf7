"""``sa-privacy log``: proving, keeping, shipping the access log, and asking it."""

from __future__ import annotations

from typing import Final

import typer

from sa_privacy.cli.later import commands

__all__ = ["app"]

_COMMANDS: Final = {
    "who": ("sa_privacy.cli.log.who:who", "Who used this person's data: when, for which purpose, what of it, and why."),
    "by": (
        "sa_privacy.cli.log.by:by",
        "What an account did: for which purposes, on which tables, about how many people.",
    ),
    "denied": (
        "sa_privacy.cli.log.denied:denied",
        "What was refused, or would have been while observing: to whom, what, and where in the application.",
    ),
    "breach": (
        "sa_privacy.cli.log.breach:breach",
        "Whose data was touched between two moments, what of it, whether it was sealed; and the report to the authority.",
    ),
    "tail": (
        "sa_privacy.cli.log.tail:tail",
        "The last events, and with -f those that are written, or shipped, from now on.",
    ),
    "review": (
        "sa_privacy.cli.log.review:review",
        "What waits for a second person: who broke the glass, when, why, what was touched. With an ID, close it.",
    ),
    "status": (
        "sa_privacy.cli.log.status:status",
        "The log itself: its size, its segments and writers, its first and last event, and the reviews that wait.",
    ),
    "verify": (
        "sa_privacy.cli.log.proving:verify",
        "Prove that nothing in the log was changed, added, removed or moved; name the first event where something was.",
    ),
    "checkpoint": (
        "sa_privacy.cli.log.proving:checkpoint",
        "Prove what is new in the log, and sign how far each writer is. Exit status 1: the log does not hold.",
    ),
    "keygen": ("sa_privacy.cli.log.proving:keygen", "Make the key pair that signs checkpoints (Ed25519)."),
    "keep": (
        "sa_privacy.cli.log.keeping:keep",
        "Compress old segments of the log, and remove those past their time, as the section log of the policy says.",
    ),
    "ship": (
        "sa_privacy.cli.log.ship:ship",
        "Ship the access log to a SQL table, or to stdout as JSON lines; each time it goes on where it was.",
    ),
}

app = typer.Typer(
    name="log",
    cls=commands(_COMMANDS),
    help="The access log: prove it, keep it, ship it, ask it.",
    no_args_is_help=True,
)
