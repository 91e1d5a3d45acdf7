"""Where a chunk is worked on: this process, for threads; or another, which gets its keys by itself and never by pickle.

::

    def make():  # in a module that the workers can import
        engine = create_engine(URL)
        return engine, Privacy("privacy.toml", keys=Keyring.load("keys.json"), log=None, metadata=Base)


    with Processes(4) as pool:
        seal(engine, privacy, ["customers.email"], executor=pool, workers=4, make=make)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from sa_privacy.bulk.crew import Make
from sa_privacy.bulk.work import Lease, LeaseLost, Part
from sa_privacy.errors import PolicyError

__all__ = ["Station", "Task", "enlist", "prepare_worker", "work_on"]


class Station:
    """A worker process: its own engine and keys, and the parts made so far.

    :param given: what ``make()`` returned: the engine, the ``Privacy``, and for work on a protected engine a function that
        returns the access under which it is done.
    """

    def __init__(self, given: tuple[Any, ...]) -> None:
        self.engine: Engine = given[0]
        self.privacy: Any = given[1]
        self.access: Callable[[], Any] | None = given[2] if len(given) > 2 else None
        self.open = ExitStack()
        """What is open as long as it works; `is_open` once something is."""
        self.is_open = False
        self.at_work = 0
        self._parts: dict[tuple[Any, ...], Part[Any]] = {}
        self._lock = Lock()

    def part(self, task: Task) -> Part[Any]:
        """The part that a task is for."""
        with self._lock:
            if task.said not in self._parts:
                self._parts[task.said] = task.part(self, *task.said)
            return self._parts[task.said]

    def close(self) -> None:
        """Lets go of engine and keys."""
        self.open.close()
        self.engine.dispose()


@dataclass(frozen=True)
class Task:
    """What travels to a worker beside a lease. It holds no key of the keyring, and nothing of anybody's.

    :param job: one run of a job: each has stations of its own, which load the keys of the moment.
    :param here: what the work is called among the threads of the process that runs the job.
    :param part: a function of a module: makes the part, at a station, of what is `said`.
    :param make: what makes the station; None: :func:`prepare_worker` has.
    """

    job: str
    here: str
    part: Callable[..., Part[Any]]
    said: tuple[Any, ...]
    make: Make | None = None


#: The parts of this very process: a forked child must not use its parent's connections.
_here: dict[tuple[int, str], Part[Any]] = {}
_prepared: dict[int, Station] = {}
_stations: dict[tuple[int, str], Station] = {}
_making = Lock()


def prepare_worker(make: Make) -> None:
    """The initializer of worker processes, for an executor of your own.

    :param make: can be pickled, that is a function of a module; makes the engine, and the ``Privacy`` with its keys, in the
        worker. The log stays with the process that runs the job: ``log=None`` here.
    """
    _prepared[os.getpid()] = Station(make())


@contextmanager
def enlist(part: Part[Any]) -> Iterator[str]:
    """Makes a part known to the threads of this process, under the name that it yields."""
    name = uuid4().hex
    _here[os.getpid(), name] = part
    try:
        yield name
    finally:
        del _here[os.getpid(), name]


def work_on(task: Task, lease: Lease) -> Any:
    """Works on a chunk, wherever it was sent. None: it is somebody else's.

    :raises PolicyError: to a process without keys.
    """
    part = _here.get((os.getpid(), task.here))
    with suppress(LeaseLost):
        if part is not None:
            return part.carry_out(lease)
        with _at(task) as station:
            return station.part(task).carry_out(lease)
    return None


@contextmanager
def _at(task: Task) -> Iterator[Station]:
    """The station for a task, which nobody closes meanwhile."""
    with _making:
        station = _station(task)
        station.at_work += 1
    try:
        yield station
    finally:
        with _making:
            station.at_work -= 1


def _station(task: Task) -> Station:
    process = os.getpid()
    if task.make is None:
        if process not in _prepared:
            raise PolicyError(
                "a worker process has no keys, and none are sent to it.",
                hint="make=..., a function of a module; or ProcessPoolExecutor(..., initializer=prepare_worker, initargs=(make,)).",
            )
        return _prepared[process]
    if (process, task.job) not in _stations:
        for other, idle in [(one, each) for one, each in _stations.items() if not each.at_work]:
            del _stations[other]
            idle.close()  # a worker of a cluster outlives the job, and must not keep its keys
        _stations[process, task.job] = Station(task.make())
    return _stations[process, task.job]
