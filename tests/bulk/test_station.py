"""A worker process that several jobs use: each has a station of its own there, and none ends another's work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

from sa_privacy.bulk import Lease, Station, Task
from sa_privacy.bulk.station import work_on

LEASE = Lease("work", 0, 1)


class Engine:
    """Says when it was let go."""

    def __init__(self) -> None:
        self.gone = False

    def dispose(self) -> None:
        self.gone = True


class Part:
    """Works until it may end."""

    def __init__(self, station: Station, begun: Event, may_end: Event) -> None:
        self.station, self.begun, self.may_end = station, begun, may_end

    def carry_out(self, _: Lease) -> Any:
        self.begun.set()
        assert self.may_end.wait(10)
        return self.station.engine.gone  # type: ignore[attr-defined]


def test_a_job_does_not_close_what_another_works_with() -> None:
    engines = [Engine() for _ in range(3)]
    begun, slow, quick = Event(), Event(), Event()
    quick.set()

    def task(at: int, may_end: Event) -> Task:
        return Task(f"job {at}", "", Part, (begun, may_end), partial(tuple, (engines[at], None)))

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(work_on, task(0, slow), LEASE)
        assert begun.wait(10)
        assert work_on(task(1, quick), LEASE) is False
        assert not engines[0].gone
        slow.set()
        assert running.result() is False
    assert work_on(task(2, quick), LEASE) is False
    assert [engine.gone for engine in engines] == [True, True, False], "who is at work no more is let go"
