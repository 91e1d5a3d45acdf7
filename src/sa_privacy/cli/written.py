"""The access log that a command writes itself into, and who runs it: the same options for each."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import Annotated

import typer

from sa_privacy.accesslog import AccessLog, EventLog
from sa_privacy.cli.telling import fail

__all__ = [
    "ErasuresOption",
    "LogOption",
    "NoLogOption",
    "ReasonOption",
    "WhoOption",
    "operator",
    "written_erasures",
    "written_log",
]

LogOption = Annotated[
    Path | None,
    typer.Option(
        help="The access log, into which the command is written.",
        metavar="DIR",
        envvar="SA_PRIVACY_LOG",
        show_default=False,
    ),
]
NoLogOption = Annotated[bool, typer.Option("--no-log", help="Write the command into no access log.")]
WhoOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        help="Who you are, as your application names you: staff:1; this machine's user where left out.",
        metavar="ACTOR",
        show_default=False,
    ),
]
ReasonOption = Annotated[str | None, typer.Option(help="Why, for the log.", metavar="TEXT", show_default=False)]

ErasuresOption = Annotated[
    str | None,
    typer.Option(
        help="The ledger of erasures: its directory, or the URL of the database that its table is in.",
        metavar="DIR|URL",
        envvar="SA_PRIVACY_ERASURES",
        show_default=False,
    ),
]

_URL = re.compile(r"[a-z][\w+]*:/")  # of a path, which has lost the second slash


def written_log(log: Path | None, what: str, *, no_log: bool) -> AccessLog | None:
    """The log to write into, or None where there is to be none. Nobody gets there by leaving something out.

    :param what: what is written there, for the error: "a job", say.
    """
    if no_log:
        return None
    if log is None:
        fail(f"{what} is in the access log, too.", "give --log DIR, set SA_PRIVACY_LOG, or say --no-log.")
    if _URL.match(str(log)):
        fail(
            "a command writes into a log's directory, and this is the URL of a database.",
            'give --log the directory that AccessLog.open("...") is given, or say --no-log.',
        )
    return AccessLog.open(log)


def written_erasures(place: str | None, otherwise: str = "") -> EventLog:
    """The ledger of erasures. It is there already: an empty one would say that nobody was ever erased.

    :param otherwise: how else the command can be run, for the error.
    """
    if place is None:
        fail("which ledger of erasures?", f"give --erasures, or set SA_PRIVACY_ERASURES{otherwise}.")
    if "://" in place:
        from sa_privacy.accesslog.sinks.tablelog import TableLog  # noqa: PLC0415 - most ledgers are directories

        return TableLog(place)
    if not Path(place).is_dir():
        fail(f"there is no ledger in {place}.", 'give the directory of Privacy(..., erasures=AccessLog.open("...")).')
    return AccessLog.open(place, fsync="always")


def operator(actor: str | None) -> str:
    """Who runs the command."""
    return actor or f"operator:{getpass.getuser()}"
