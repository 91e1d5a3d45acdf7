"""Where a command finds the log: the journal's directory, or the table that it was shipped to or that is the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from sa_privacy.accesslog import LogPlace
from sa_privacy.accesslog.questions import Journal
from sa_privacy.accesslog.questions.files import segment_files
from sa_privacy.cli.telling import fail

__all__ = ["DEFAULT", "DirectoryOption", "LogOption", "directory", "is_url", "place"]

DEFAULT: Final = "var/access-log"

LogOption = Annotated[
    str,
    typer.Option("--log", help="The log: its directory, or the URL of the database whose table it is in.",
                 metavar="DIR|URL", envvar="SA_PRIVACY_LOG"),
]  # fmt: skip
DirectoryOption = Annotated[
    str, typer.Option("--log", help="The log's directory.", metavar="DIR", envvar="SA_PRIVACY_LOG")
]


def is_url(place: str) -> bool:
    """Whether a place looks like a database URL rather than a directory."""
    return "://" in place


@contextmanager
def place(where: str, *, written: bool = True) -> Iterator[LogPlace]:
    """The log in a directory or in a database, for the length of a command.

    :param where: a directory, or a database URL.
    :param written: it has to hold something already: of an empty directory, "nothing" would be no true answer.
    :raises LogUnavailable: the database is away, or holds no access log.
    """
    if is_url(where):
        from sa_privacy.accesslog.sinks import TableSource  # noqa: PLC0415 - only who asks a table waits for it

        with TableSource(where) as table:
            yield table
        return
    path = _must_be_log(where, ", or a URL")
    if written and not any(file.opened for file in segment_files(path)):
        fail(
            f"there is no access log in {where}: no file there has the name of a segment.",
            'name the directory that AccessLog.open("...") was given; a log is empty until something was written.',
        )
    yield Journal(path)


def directory(where: str, why: str) -> Path:
    """The log's directory, for what only files have.

    :param why: why it has to be a directory, for who gave a URL.
    """
    if is_url(where):  # a password may be in it: not repeated
        fail(why, "name the log's directory: --log DIR.")
    return _must_be_log(where)


def _must_be_log(where: str, also: str = "") -> Path:
    path = Path(where)
    if not path.is_dir():
        fail(
            f"there is no access log in {where}.",
            f'name the directory that AccessLog.open("...") was given{also}: --log.',
        )
    return path
