"""Chunks in the database: each is one worker's at a time, and ended once, whoever comes, goes, or comes back too late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, func, select

from sa_privacy import PolicyError
from sa_privacy.bulk import (
    CHUNKS,
    WORKS,
    Board,
    Kept,
    Key,
    Lease,
    LeaseLost,
    Range,
    Waiting,
    Work,
    board_of,
    boards,
    crew_of,
    cutting,
    mark_done,
    range_of,
)
from sa_privacy.bulk.keys import read_key, write_key

WORK = Work("seal", "customers", ("customers.email",))
NOW = datetime(2026, 11, 26, tzinfo=UTC)
LASTING = 20.0


class Clock:
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(engine: Engine, clock: Clock) -> Callable[..., Kept]:
    """Makes boards of one database: each is another process's."""
    for table in (WORKS, CHUNKS):
        table.create(engine)

    @contextmanager
    def opening() -> Iterator[Connection]:
        with engine.begin() as connection:
            yield connection

    def make(work: Work = WORK) -> Kept:
        made = Kept(work, opening, clock, LASTING)
        made.begin(clock())
        return made

    return make


def end_of_range(after: Key | None, size: int) -> Key | None:
    """Of a table with the keys 1 to 10."""
    end = (after[0] if after else 0) + size
    return (end,) if end <= 10 else None


CUT = cutting(end_of_range, 3)


def done(engine: Engine, lease: Lease, rows: int = 3) -> None:
    with engine.begin() as connection:
        mark_done(connection, lease, rows)


def ranges(engine: Engine, leases: list[Lease]) -> list[Range]:
    with engine.connect() as connection:
        return [range_of(connection, lease) for lease in leases]


def test_two_processes_share_the_chunks(engine: Engine, board: Callable[..., Kept]) -> None:
    one, other = board(), board()
    first, second = one.take(CUT, 2), other.take(CUT, 9)
    assert ranges(engine, first) == [Range(None, (3,)), Range((3,), (6,))]
    assert ranges(engine, second) == [Range((6,), (9,)), Range((9,), None)]
    assert one.take(CUT, 9) == []
    for lease in (*first, *second):
        assert not one.is_over()
        done(engine, lease)
    assert one.is_over()
    assert other.is_over()
    one.close()
    assert other.is_over()
    other.close()
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(CHUNKS)) == 0
    assert ranges(engine, board().take(CUT, 1)) == [Range(None, (3,))], "who begins it again begins anew"


def test_another_work_has_chunks_of_its_own(board: Callable[..., Kept]) -> None:
    ours = board().take(CUT, 1)
    theirs = board(Work("seal", "customers", ("customers.name",))).take(CUT, 1)
    assert (ours[0].number, theirs[0].number) == (0, 0)
    assert ours[0].work != theirs[0].work


def test_a_lease_that_ran_out_is_taken_over_and_cannot_be_ended_any_more(
    engine: Engine, board: Callable[..., Kept], clock: Clock
) -> None:
    slow, quick = board(), board()
    late = slow.take(CUT, 4)[1]
    clock.now += timedelta(seconds=LASTING - 1)
    slow.renew()
    clock.now += timedelta(seconds=LASTING - 1)
    assert quick.take(CUT, 1) == []
    clock.now += timedelta(seconds=2)
    taken = quick.take(CUT, 9)
    assert [one.number for one in taken] == [0, 1, 2, 3]
    with pytest.raises(LeaseLost):
        done(engine, late)
    with pytest.raises(LeaseLost):
        ranges(engine, [late])
    assert slow.settle(late) is None
    done(engine, taken[1])
    with pytest.raises(LeaseLost):
        done(engine, taken[1])


def test_what_was_given_back_is_had_at_once(board: Callable[..., Kept]) -> None:
    one = board()
    given = one.take(CUT, 2)
    one.give_back()
    assert [(lease.number, lease.turn) for lease in board().take(CUT, 2)] == [(lease.number, 2) for lease in given]


def test_of_a_worker_that_died_the_board_knows_whether_it_was_done(engine: Engine, board: Callable[..., Kept]) -> None:
    mine = board()
    before, after = mine.take(CUT, 2)
    done(engine, before, 2)
    assert mine.settle(before) == 2
    again = mine.settle(after)
    assert isinstance(again, Lease)
    with pytest.raises(LeaseLost):
        done(engine, after)  # the worker was not dead
    done(engine, again)


def test_what_was_done_but_not_closed_is_begun_anew(engine: Engine, board: Callable[..., Kept]) -> None:
    for lease in board().take(CUT, 9):
        done(engine, lease)
    assert ranges(engine, board().take(CUT, 1)) == [Range(None, (3,))]


def test_who_has_nothing_to_do_knows_for_what_it_waits(
    engine: Engine, board: Callable[..., Kept], clock: Clock
) -> None:
    one, other = board(), board()
    first = one.take(CUT, 9)[0]
    done(engine, first)
    clock.now += timedelta(seconds=5)
    assert other.take(CUT, 9) == []
    assert other.waiting() == Waiting(3, LASTING - 5)


@pytest.mark.backends("postgresql")
def test_a_machine_whose_clock_is_wrong_ends_no_work(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for table in (WORKS, CHUNKS):
        table.create(engine)

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(days=9)

    def of(work: Work) -> Board:
        with engine.begin() as connection:
            made = board_of(connection, work, engine.begin, crew_of(None))
        made.begin(NOW)
        return made

    alive = of(WORK)
    alive.take(CUT, 2)
    monkeypatch.setattr(boards, "datetime", Ahead)
    other = of(Work("reseal", "customers", ()))
    assert of(WORK).take(cutting(lambda *_: None, 3), 9) == [], "leases of others hold"
    assert other.take(CUT, 1)
    assert not alive.is_over()


def test_what_nobody_goes_on_with_is_forgotten(engine: Engine, board: Callable[..., Kept], clock: Clock) -> None:
    board().take(CUT, 2)
    clock.now += timedelta(days=6)
    board(Work("reseal", "customers", ())).take(CUT, 1)
    clock.now += timedelta(days=2)
    board(Work("unseal", "customers", ()))
    with engine.connect() as connection:
        assert set(connection.scalars(select(WORKS.c.what))) == {"reseal", "unseal"}
        assert connection.scalar(select(func.count()).select_from(CHUNKS)) == 1


def test_many_at_once_have_each_chunk_once(engine: Engine, board: Callable[..., Kept]) -> None:
    boards = [board() for _ in range(4)]
    start, found, failed = Barrier(4), list[tuple[int, int]](), list[Exception]()

    def take(mine: Kept) -> None:
        start.wait()
        try:
            while leases := mine.take(cutting(lambda after, n: end_of_range(after, 1) if n else None, 1), 2):
                for lease in leases:
                    done(engine, lease)
                found.extend((lease.number, lease.turn) for lease in leases)
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [Thread(target=take, args=(one,)) for one in boards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sorted(found) == [(number, 1) for number in range(10)]


@pytest.mark.parametrize(
    "key",
    [
        (7, "été\0'", True),
        (b"\x00\xff", UUID(int=5)),
        (Decimal("0.10"), 1e-9),
        (datetime(2001, 2, 3, 4, 5, 6, 7, UTC), date(1, 1, 1), time(23, 59, 59, 9)),
    ],
)
def test_keys_are_read_as_they_were_written(key: tuple[Any, ...]) -> None:
    back = read_key(write_key(key))
    assert back == key
    assert [type(one) for one in back or ()] == [type(one) for one in key]


def test_a_key_of_no_known_type_is_refused() -> None:
    with pytest.raises(PolicyError, match="complex"):
        write_key((1j,))
