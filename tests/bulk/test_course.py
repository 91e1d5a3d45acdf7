"""One work from its beginning to its end: what is told of it, and how long its leases last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select

from sa_privacy.bulk import CHUNKS, WORKS, Course, Kept, Lease, Pace, Task, crew_of, enlist, mark_done
from tests.bulk.test_leases import CUT, WORK

pytestmark = pytest.mark.backends("sqlite")


@pytest.fixture
def board(engine: Engine) -> Kept:
    for table in (WORKS, CHUNKS):
        table.create(engine)

    @contextmanager
    def opening() -> Iterator[Connection]:
        with engine.begin() as connection:
            yield connection

    made = Kept(WORK, opening, lambda: datetime.now(UTC), 1.0)
    made.begin(datetime.now(UTC))
    return made


class Slow:
    """Marks chunks as done; of the first it waits for the second, which goes wrong."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.wrong = engine, Event()

    def carry_out(self, lease: Lease) -> int:
        if lease.number:
            self.wrong.set()
            raise ValueError
        self.wrong.wait(10)
        time.sleep(0.1)
        with self.engine.begin() as connection:
            mark_done(connection, lease, 3)
        return 3


def test_what_is_done_while_another_goes_wrong_is_told(engine: Engine, board: Kept) -> None:
    told = dict[int, int]()
    intents = iter(range(9))
    with ThreadPoolExecutor(2) as pool, enlist(Slow(engine)) as here:
        course = Course(
            board,
            crew_of(pool, 2),
            Task("job", here, _nobody, ()),
            CUT,
            Pace(3),
            begun=lambda: next(intents),
            ended=told.__setitem__,
            settled=int,
        )
        with pytest.raises(ValueError):  # noqa: PT011 - the part's own
            course.run()
    assert told == {0: 3}
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(CHUNKS.c.done)) == 1
        assert connection.scalar(select(func.count()).where(CHUNKS.c.owner.is_not(None), ~CHUNKS.c.done)) == 0


class Quick:
    """Marks chunks as done, and says how long each lease still lasted."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.left = engine, list[float]()

    def carry_out(self, lease: Lease) -> int:
        with self.engine.begin() as connection:
            until: Any = connection.scalar(select(CHUNKS.c.until).where(CHUNKS.c.number == lease.number))
            self.left.append((until - datetime.now(UTC)).total_seconds())
            mark_done(connection, lease, 1)
        return 1


def test_leases_last_while_chunks_are_handed_out_slowly(engine: Engine, board: Kept) -> None:
    part = Quick(engine)
    with ThreadPoolExecutor(4) as pool, enlist(part) as here:
        Course(
            board,
            crew_of(pool, 8),
            Task("job", here, _nobody, ()),
            CUT,
            Pace(3, rate=6.0),
            begun=int,
            ended=lambda *_: None,
            settled=int,
        ).run()
    assert len(part.left) == 4
    assert min(part.left) > 0


def _nobody(*_: Any) -> Any:
    raise AssertionError
