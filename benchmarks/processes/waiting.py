"""Who waits for a lock while others work: seen from outside, in the database and in the system, many times a second."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

__all__ = ["Watch"]

_ASK = b"""
SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE wait_event_type = 'Lock')
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
_FILES = Path("/proc/locks")


class Watch:
    """Looks about until it is left. A context manager.

    :param connection: in autocommit, and nobody else's.
    :param processes: whose locks on files are looked at.
    :ivar seen: ``looks``; ``active``: statements under way, all looks told; ``locks``: those of them that waited for a lock of
        the database (of a row, a table, an index entry's transaction, or an advisory one); ``files``: processes that waited
        for a lock on a file (flock, fcntl).
    """

    def __init__(self, connection: psycopg.Connection, processes: Collection[int], every: float = 0.02) -> None:
        self.seen: Counter[str] = Counter()
        self._connection = connection
        self._processes = frozenset(map(str, processes))
        self._every = every
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._end.wait(self._every):
            found = self._connection.execute(_ASK).fetchone()
            active, locks = found if found is not None else (0, 0)
            self.seen += Counter(looks=1, active=active, locks=locks, files=self._files())

    def _files(self) -> int:
        """Lines of who waits have an arrow: ``1: -> FLOCK ADVISORY WRITE PID DEVICE:INODE START END``."""
        try:
            lines = _FILES.read_text().splitlines()
        except OSError:
            return 0
        return sum(" -> " in line and not self._processes.isdisjoint(line.split()) for line in lines)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()
