"""Waiting for one's turn to write: a database says that it is somebody else's, and nothing was done then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from sa_privacy.errors import Busy, LedgerUnavailable

__all__ = ["begin_to_write", "patiently"]

T = TypeVar("T")
_TURNS = 12
_AGAIN: Final = {"40001", "40P01", "55P03"}  # PostgreSQL: serialization failure, deadlock, lock not available


def patiently(work: Callable[[], T]) -> T:
    """Tries again where the database says that it is somebody else's turn.

    :raises Busy: it never was the job's.
    """
    for turn in range(_TURNS):
        try:
            return work()
        except (OperationalError, LedgerUnavailable) as error:
            if not _is_turn_of_another(error):
                raise
        time.sleep(min(2.0, 0.05 * 2**turn))
    raise Busy(
        "the database gave the job no turn to write.",
        hint="run it again when there is less to do: it goes on where it was.",
    )


def begin_to_write(connection: Connection) -> None:
    """One writer at a time on SQLite: be it from here on. Without it the first savepoint would be the whole transaction."""
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite" and not getattr(driver, "in_transaction", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_turn_of_another(error: OperationalError | LedgerUnavailable) -> bool:
    said = error.__cause__ if isinstance(error, LedgerUnavailable) else error.orig
    said = getattr(said, "orig", said)
    return getattr(said, "sqlstate", None) in _AGAIN or "locked" in str(said)
