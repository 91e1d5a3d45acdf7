"""Where a log is: a directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sa_privacy.accesslog import Source
from sa_privacy.accesslog.questions import Journal
from sa_privacy.cli.telling import fail

__all__ = ["source"]


@contextmanager
def source(place: str) -> Iterator[Source]:
    """What is to be asked: the log in a directory."""
    if "://" in place:
        fail("only a directory can be asked.", "name the log's directory: --log DIR.")
    if not Path(place).is_dir():
        fail(
            f"there is no access log in {place}.", 'name the directory that AccessLog.open("...") was given: --log DIR.'
        )
    yield Journal(place)
