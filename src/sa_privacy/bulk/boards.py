"""Which board a database has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic
from typing import Final

from sqlalchemy import Connection, func, inspect, select

from sa_privacy.bulk.crew import Crew
from sa_privacy.bulk.kept import Kept
from sa_privacy.bulk.tables import WORKS
from sa_privacy.bulk.unkept import Unkept
from sa_privacy.bulk.work import Board, Work
from sa_privacy.errors import PolicyError

__all__ = ["board_of"]

LASTING: Final = 20.0
"""Seconds for which a chunk is leased. Leases are renewed while whoever gave the chunk out is alive."""


def board_of(
    connection: Connection,
    work: Work,
    opening: Callable[[], AbstractContextManager[Connection]],
    crew: Crew,
) -> Board:
    """Where chunks are given out: in the database, where it has the tables; else by this process alone, to workers of its own.

    :param opening: a transaction in which the library's tables may be written.
    :param crew: who is to work on them.
    :raises PolicyError: workers elsewhere, and no tables.
    """
    if inspect(connection).has_table(WORKS.name):
        return Kept(work, opening, _clock_of(connection.dialect.name, opening), LASTING)
    if not crew.is_here:
        raise PolicyError(
            f"chunks for workers of other machines are leased in the database, which has no table {WORKS.name}.",
            hint="sa-privacy tables upgrade; or threads and processes of this machine.",
        )
    return Unkept()


def _clock_of(dialect: str, opening: Callable[[], AbstractContextManager[Connection]]) -> Callable[[], datetime]:
    """The database's clock, asked once: to a machine whose own is wrong, work that is alive would be over long ago."""
    if dialect == "sqlite":  # it has that of this machine
        return lambda: datetime.now(UTC)

    @cache
    def asked() -> tuple[datetime, float]:
        with opening() as connection:
            return connection.execute(select(func.now())).scalar_one(), monotonic()

    def clock() -> datetime:
        there, then = asked()
        return there + timedelta(seconds=monotonic() - then)

    return clock
