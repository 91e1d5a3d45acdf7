"""Every operation on every side, on both databases, sync and async.

Each side lives in a process of its own: an application has one policy, and the plain one has none. They take turns, and
while one works, the others wait.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url

from benchmarks.overhead import configurations, peers
from benchmarks.overhead.configurations import CONFIGURATIONS, EVERYTHING, PLAIN, SEALING, WALL
from benchmarks.overhead.operations import ENTITIES, INSERTS, OPERATIONS, POINT
from benchmarks.overhead.peers import BY_HAND, PEERS, SQLALCHEMY_UTILS
from benchmarks.overhead.side import Side
from benchmarks.report import row
from benchmarks.timing import in_turn

__all__ = ["KINDS", "Worker", "make_side", "measure", "sides_of"]

#: Where everything is measured: the database, and how it is called.
KINDS = (("sqlite", False), ("postgresql", False), ("sqlite", True), ("postgresql", True))
#: What a figure may be at most, beside plain; see the table of budgets in README.md.
BARS = {
    ("sqlite", False, ENTITIES, SEALING): 1.5,
    ("sqlite", False, INSERTS, SEALING): 2.0,
    ("postgresql", False, INSERTS, SEALING): 2.0,
    ("postgresql", False, POINT, EVERYTHING): 1.1,
}
FASTER = 8.0  # times, that our list has to be faster than that of SQLAlchemy-Utils

_fork = get_context("forkserver")  # copies of a process without threads that has imported everything: there at once
_fork.set_forkserver_preload(["benchmarks.overhead.matrix", "tests.support.databases"])


def sides_of(database: str) -> list[str]:
    """Who takes part."""
    return [name for name in (*CONFIGURATIONS, *PEERS) if database == "postgresql" or name not in {WALL, BY_HAND}]


def make_side(name: str, url: URL, folder: Path, *, is_async: bool) -> Side:
    """One of them, on an empty database of its own."""
    if name in PEERS:
        return peers.make(name, url, is_async=is_async)
    return configurations.make(name, url, folder, is_async=is_async)


class Worker:
    """A side in a process of its own."""

    def __init__(self, name: str, url: URL, folder: Path, *, is_async: bool) -> None:
        self.name = name
        self._here, there = _fork.Pipe()
        self._process = _fork.Process(target=_work, args=(there, name, url, folder, is_async), daemon=True)
        self._process.start()
        there.close()

    def ask(self, *question: Any) -> Any:
        """What the side answers to one of its methods; nothing: that it is there."""
        if question:
            self._here.send(question)
        answer, failed = self._here.recv()
        if failed:
            raise RuntimeError(f"{self.name}:\n{failed}")
        return answer

    def close(self) -> None:
        """Lets it go."""
        if self._process.is_alive():
            self._here.send(None)
            self._process.join(timeout=20)
        self._here.close()
        self._process.kill()


def _work(here: Connection, name: str, url: URL, folder: Path, is_async: bool) -> None:
    try:
        side = make_side(name, url, folder, is_async=is_async)
        gc.collect()
        gc.freeze()
        here.send(([each for each in OPERATIONS if side.run(each) is not None], None))
        while (question := here.recv()) is not None:
            method, *arguments = question
            here.send((getattr(side, method)(*arguments), None))
        side.close()
    except Exception:  # noqa: BLE001 - told to the one who asked
        here.send((None, traceback.format_exc()))


@contextmanager
def _workers(database: str, is_async: bool, names: tuple[str, ...]) -> Iterator[dict[str, tuple[Worker, list[str]]]]:
    from tests.support.databases import postgresql_database  # noqa: PLC0415 - only where it is asked for
    from tests.support.postgres import Server  # noqa: PLC0415

    with ExitStack() as stack:
        server = stack.enter_context(Server()) if database == "postgresql" else None
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers = []
        for name in names or sides_of(database):
            url = make_url("sqlite://") if server is None else stack.enter_context(postgresql_database(server)).url
            folder = scratch / name.replace(" ", "-")
            folder.mkdir(mode=0o700)
            workers.append(Worker(name, url, folder, is_async=is_async))
            stack.callback(workers[-1].close)
        yield {one.name: (one, one.ask()) for one in workers}


def measure(
    *,
    rounds: int,
    seconds: float,
    kinds: tuple[tuple[str, bool], ...] = KINDS,
    only: tuple[str, ...] = (),
    sides: tuple[str, ...] = (),
) -> Iterator[dict[str, Any]]:
    """The lines, as they are found.

    :param seconds: how long a side works, about, when its turn has come.
    :param only: operations; all where it is left out.
    :param sides: who takes part, plain first; all where it is left out.
    """
    for database, is_async in kinds:
        with _workers(database, is_async, sides) as workers:
            for name in only or OPERATIONS:
                print(f"\r  {name:40}", end="\r", file=sys.stderr, flush=True)
                turns: dict[str, Callable[[], float]] = {}
                for side, (worker, able) in workers.items():
                    if name in able:
                        worker.ask("check", name)
                        repeat = max(1, round(seconds / worker.ask("seconds", name, 1)))
                        worker.ask("seconds", name, min(repeat, 3))
                        turns[side] = partial(worker.ask, "seconds", name, repeat)
                yield from _lines(database, is_async, name, in_turn(turns, rounds))


def _lines(database: str, is_async: bool, name: str, times: dict[str, list[float]]) -> Iterator[dict[str, Any]]:
    def line(side: str, what: str, unit: str, bar: float | None, values: list[float]) -> dict[str, Any]:
        where = {"database": database, "async": is_async, "operation": name, "side": side}
        return {**row(what, unit, bar, values), **where}

    for side, found in times.items():
        if side == PLAIN:
            yield line(side, f"  {name}: {side}", "ms", None, [each * 1000 for each in found])
            continue
        what = f"{'  ' if side in PEERS else ''}{name}: {side}"
        ratios = [one / plain for one, plain in zip(found, times[PLAIN], strict=True)]
        yield line(side, what, "x plain", BARS.get((database, is_async, name, side)), ratios)
    if name == ENTITIES and not is_async and database == "sqlite":
        slower = [peer / ours for peer, ours in zip(times[SQLALCHEMY_UTILS], times[SEALING], strict=True)]
        yield line("", f"{name}: SQLAlchemy-Utils beside ours", "x ours", -FASTER, slower)
