"""Chunks that stand in the database: leased, taken over where a lease ran out, done in the transaction of their changes.

So any number of processes on any number of machines may be at one work, come and go. Only who holds the last lease of a chunk
can end it: the others' transactions are undone. That needs no clock; clocks only say how soon a chunk is taken over.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from sa_privacy.bulk.keys import read_key, write_key
from sa_privacy.bulk.tables import CHUNKS, WORKS
from sa_privacy.bulk.turns import patiently
from sa_privacy.bulk.work import Cut, Lease, LeaseLost, Range, Waiting, Work

__all__ = ["Kept", "mark_done", "range_of"]

T = TypeVar("T")
#: Work that nobody has touched for so long is nobody's any more.
_FORGOTTEN: Final = timedelta(days=7)

_C, _W = CHUNKS.c, WORKS.c


class Kept:
    """The chunks of one work, in its tables.

    :param opening: a transaction in which these tables may be read and written, on a connection of its own.
    :param clock: tells the time.
    """

    def __init__(
        self,
        work: Work,
        opening: Callable[[], AbstractContextManager[Connection]],
        clock: Callable[[], datetime],
        lasting: float,
    ) -> None:
        self._work, self._opening, self._clock = work, opening, clock
        self._me = uuid4().hex
        self._id = ""
        self.lasting = lasting

    def is_begun(self, connection: Connection) -> bool:
        return connection.execute(select(_W.id).where(_W.hash == self._work.hash)).first() is not None

    def begin(self, as_of: datetime) -> datetime:
        now = self._clock()

        def begin(connection: Connection) -> tuple[str, datetime]:
            asked = select(_W.id, _W.as_of).where(_W.hash == self._work.hash)
            found = connection.execute(asked).first()
            if found is not None and not _is_over(connection, found[0]):
                return found[0], found[1]
            if found is not None:  # who did the last of it was killed before they said so
                _end(connection, [found[0]])
            _forget(connection, now - _FORGOTTEN)
            made = uuid4().hex
            row = {"id": made, "hash": self._work.hash, "what": self._work.what[:200], "table_name": self._work.table}
            connection.execute(
                insert(WORKS).values(**row, begun_at=now, as_of=as_of, chunks=0, cut_upto=None, all_cut=False)
            )
            return made, as_of

        try:
            self._id, found = self._do(begin)
        except IntegrityError:  # somebody began it in this moment
            self._id, found = self._do(begin)
        return found

    def take(self, cut: Cut, wanted: int) -> list[Lease]:
        found = self._do(lambda connection: self._free(connection, wanted))
        while not found:
            where = self._do(self._where)
            if where is None:
                return []
            chunks, upto = where
            ranges, whole = cut(read_key(upto), wanted)
            made = self._do(lambda c, chunks=chunks, ranges=ranges, whole=whole: self._add(c, chunks, ranges, whole))  # type: ignore[misc]
            if made is not None:  # else somebody cut the same
                found = made
                if whole:
                    break
        return found

    def settle(self, lease: Lease) -> Lease | int | None:
        def settle(connection: Connection) -> Lease | int | None:
            again = update(CHUNKS).where(_is(lease), not_(_C.done))
            if connection.execute(again.values(turn=lease.turn + 1, until=self._until())).rowcount:
                return Lease(lease.work, lease.number, lease.turn + 1)
            changed = connection.execute(select(_C.changed).where(_is(lease), _C.done)).scalar()
            return None if changed is None else int(changed)

        return self._do(settle)

    def renew(self) -> None:
        self._mine(owner=self._me, until=self._until())

    def give_back(self) -> None:
        self._mine(owner=None, until=self._clock())

    def is_over(self) -> bool:
        return self._do(lambda connection: _is_over(connection, self._id))

    def waiting(self) -> Waiting:
        asked = select(func.count(), func.max(_C.until)).where(_C.work == self._id, not_(_C.done))
        chunks, until = self._do(lambda connection: tuple(connection.execute(asked).one()))
        return Waiting(chunks, 0.0 if until is None else max(0.0, (until - self._clock()).total_seconds()))

    def close(self) -> int | None:
        def close(connection: Connection) -> int | None:
            chunks = connection.execute(select(_W.chunks).where(_W.id == self._id)).scalar()
            _end(connection, [self._id])
            return chunks

        return self._do(close)

    def _where(self, connection: Connection) -> tuple[int, str | None] | None:
        """How many chunks were cut, and up to which key; None where there is nothing left to cut."""
        asked = select(_W.chunks, _W.cut_upto).where(_W.id == self._id, not_(_W.all_cut))
        found = connection.execute(asked).first()
        return None if found is None else (found[0], found[1])

    def _free(self, connection: Connection, wanted: int) -> list[Lease]:
        """Chunks that nobody has, or has any more."""
        free = and_(_C.work == self._id, not_(_C.done), or_(_C.owner.is_(None), _C.until < self._clock()))
        asked = select(_C.number, _C.turn).where(free).order_by(_C.number).limit(wanted)
        found = [Lease(self._id, row[0], row[1]) for row in connection.execute(asked.with_for_update(skip_locked=True))]
        return [
            Lease(one.work, one.number, one.turn + 1)
            for one in found
            if connection.execute(
                update(CHUNKS)
                .where(_is(one), not_(_C.done))
                .values(owner=self._me, turn=one.turn + 1, until=self._until())
            ).rowcount
        ]

    def _add(self, connection: Connection, chunks: int, ranges: list[Range], whole: bool) -> list[Lease] | None:
        """New chunks, leased; None where others were added since it was asked where they begin."""
        cut = update(WORKS).where(_W.id == self._id, _W.chunks == chunks, not_(_W.all_cut))
        upto = {"cut_upto": write_key(ranges[-1].upto)} if ranges else {}
        if not connection.execute(cut.values(chunks=chunks + len(ranges), all_cut=whole, **upto)).rowcount:
            return None
        rows: list[dict[str, Any]] = [
            {
                "work": self._id,
                "number": number,
                "after_key": write_key(one.after),
                "upto_key": write_key(one.upto),
                "owner": self._me,
                "turn": 1,
                "until": self._until(),
                "done": False,
                "changed": 0,
            }
            for number, one in enumerate(ranges, chunks)
        ]
        if rows:
            connection.execute(insert(CHUNKS), rows)
        return [Lease(self._id, row["number"], 1) for row in rows]

    def _mine(self, **values: Any) -> None:
        mine = update(CHUNKS).where(_C.work == self._id, _C.owner == self._me, not_(_C.done))
        self._do(lambda connection: connection.execute(mine.values(**values)))

    def _until(self) -> datetime:
        return self._clock() + timedelta(seconds=self.lasting)

    def _do(self, what: Callable[[Connection], T]) -> T:
        def attempt() -> T:
            with self._opening() as connection:
                return what(connection)

        return patiently(attempt)


def range_of(connection: Connection, lease: Lease) -> Range:
    """What a chunk is about.

    :raises LeaseLost: it is somebody else's, or done.
    """
    if lease.range is not None:
        return lease.range
    found = connection.execute(select(_C.after_key, _C.upto_key).where(_is(lease), not_(_C.done))).first()
    if found is None:
        raise LeaseLost
    return Range(read_key(found[0]), read_key(found[1]))


def mark_done(connection: Connection, lease: Lease, changed: int) -> None:
    """Marks a chunk as done, in the transaction of what was done.

    :param changed: how many rows were.
    :raises LeaseLost: it is somebody else's, or done: the transaction is to be undone.
    """
    if lease.range is not None:
        return
    ended = update(CHUNKS).where(_is(lease), not_(_C.done)).values(done=True, changed=changed)
    if not connection.execute(ended).rowcount:
        raise LeaseLost


def _is_over(connection: Connection, work: str) -> bool:
    all_cut = connection.execute(select(_W.all_cut).where(_W.id == work)).scalar()
    left = select(_C.number).where(_C.work == work, not_(_C.done)).limit(1)
    return all_cut is None or (bool(all_cut) and connection.execute(left).first() is None)


def _is(lease: Lease) -> Any:
    return and_(_C.work == lease.work, _C.number == lease.number, _C.turn == lease.turn)


def _forget(connection: Connection, before: datetime) -> None:
    """Ends work that was begun long ago, and on which nobody is any more: what is left of it is found by the next one."""
    alive = select(_C.work).where(_C.until >= before)
    _end(connection, list(connection.execute(select(_W.id).where(_W.begun_at < before, _W.id.not_in(alive))).scalars()))


def _end(connection: Connection, works: list[str]) -> None:
    for work in works:
        connection.execute(delete(CHUNKS).where(_C.work == work))
        connection.execute(delete(WORKS).where(_W.id == work))
