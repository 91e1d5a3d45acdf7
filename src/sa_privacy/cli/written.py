"""The access log that a command writes itself into, and who runs it: the same options for each."""

from __future__ import annotations

import getpass
import re
from pathlib import Path
from typing import Annotated

import typer

from sa_privacy.accesslog import AccessLog
from sa_privacy.cli.telling import fail

__all__ = ["LogOption", "NoLogOption", "ReasonOption", "WhoOption", "operator", "written_log"]

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


def operator(actor: str | None) -> str:
    """Who runs the command."""
    return actor or f"operator:{getpass.getuser()}"
