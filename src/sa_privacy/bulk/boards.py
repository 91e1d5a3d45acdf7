"""Which board a database has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, inspect

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
    clock: Callable[[], datetime],
    crew: Crew,
) -> Board:
    """Where chunks are given out: in the database, where it has the tables; else by this process alone, to workers of its own.

    :param opening: a transaction in which the library's tables may be written.
    :param crew: who is to work on them.
    :raises PolicyError: workers elsewhere, and no tables.
    """
    if inspect(connection).has_table(WORKS.name):
        return Kept(work, opening, clock, LASTING)
    if not crew.is_here:
        raise PolicyError(
            f"chunks for workers of other machines are leased in the database, which has no table {WORKS.name}.",
            hint="sa-privacy tables upgrade; or threads and processes of this machine.",
        )
    return Unkept()
