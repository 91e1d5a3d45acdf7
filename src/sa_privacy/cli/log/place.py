"""Where a command asks the log: the journal's directory, or the table it was shipped to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sa_privacy.accesslog import Source
from sa_privacy.accesslog.questions import Journal
from sa_privacy.cli.telling import fail

__all__ = ["is_url", "source"]


def is_url(place: str) -> bool:
    """Whether a place looks like a database URL rather than a directory."""
    return "://" in place


@contextmanager
def source(place: str) -> Iterator[Source]:
    """The events in a directory or in a database, for the length of a command.

    :param place: a directory, or a database URL.
    :raises LogUnavailable: the database is away, or holds no access log.
    """
    if is_url(place):
        from sa_privacy.accesslog.sinks import TableSource  # noqa: PLC0415 - only who asks a table waits for it

        with TableSource(place) as table:
            yield table
        return
    directory = Path(place)
    if not directory.is_dir():
        fail(
            f"there is no access log in {place}.", 'name the directory that AccessLog.open("...") was given, or a URL.'
        )
    yield Journal(directory)
