"""Chunks that are kept nowhere: what is left to do stands in the data alone, and one process gives all of it out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from sa_privacy.bulk.keys import Key
from sa_privacy.bulk.work import Cut, Lease, Waiting

__all__ = ["Unkept"]


class Unkept:
    """Where a database has no tables for it."""

    lasting = 60.0

    def __init__(self) -> None:
        self._upto: Key | None = None
        self._chunks = 0
        self._all_cut = False

    def is_begun(self, connection: Connection) -> bool:
        return False

    def begin(self, as_of: datetime) -> datetime:
        return as_of

    def take(self, cut: Cut, wanted: int) -> list[Lease]:
        if self._all_cut:
            return []
        ranges, self._all_cut = cut(self._upto, wanted)
        leases = [Lease("", number, 1, one) for number, one in enumerate(ranges, self._chunks)]
        self._chunks += len(ranges)
        self._upto = ranges[-1].upto if ranges else self._upto
        return leases

    def settle(self, lease: Lease) -> Lease | int | None:
        return replace(lease, turn=lease.turn + 1)

    def renew(self) -> None:
        pass

    def give_back(self) -> None:
        pass

    def is_over(self) -> bool:
        return True

    def waiting(self) -> Waiting:
        return Waiting(0, 0.0)

    def close(self) -> int | None:
        return self._chunks
