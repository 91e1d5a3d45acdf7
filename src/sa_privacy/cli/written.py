"""The logs that a command writes itself into, and who runs it."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

from sa_privacy.accesslog import AccessLog, EventLog
from sa_privacy.cli.telling import fail

__all__ = ["operator", "written_erasures", "written_log"]

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
        fail(
            f"there is no ledger in {place}.",
            'give the directory of your application\'s Privacy(..., erasures=AccessLog.open("...")), which makes it.',
        )
    return AccessLog.open(place, fsync="always")


def operator(actor: str | None) -> str:
    """Who runs the command."""
    return actor or f"operator:{getpass.getuser()}"
