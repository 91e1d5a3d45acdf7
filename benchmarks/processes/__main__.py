"""What one to eight application processes get done against one PostgreSQL, plain and with everything on.

    python -m benchmarks.processes            # about three minutes
    python -m benchmarks.processes --quick    # about half a minute

The processes are started once; each round, the first of them work for some seconds on one side, then on the other. On few
processors the work of all soon fills the machine, so that what a process gets done falls whatever the library does. What would
show a lock that processes share is beside it: the ratio of both sides, processor time per operation, how often a process gives
its processor away, and who is seen waiting for a lock, in the database and on files.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from benchmarks.databases import databases
from benchmarks.processes.process import Did, serve
from benchmarks.processes.waiting import Watch
from benchmarks.processes.world import PEOPLE, SIDES, prepare
from benchmarks.report import report, report_curves, row
from benchmarks.results import Results, curve

__all__ = ["database", "measure", "processes", "together"]

ALL = 1 << 60


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The URL of a PostgreSQL that goes away afterwards."""
    kinds = databases(folder)
    for name, url in kinds:
        if name == "PostgreSQL":
            yield url
            break


@contextmanager
def processes(
    count: int, url: str, folder: Path, people: int = PEOPLE, segment_bytes: int = 1 << 26
) -> Iterator[list[tuple[Any, Connection]]]:
    """So many application processes, ready, each with the pipe that tells it what to do."""
    spawn = multiprocessing.get_context("spawn")
    running: list[tuple[Any, Connection]] = []
    try:
        for number in range(count):
            here, there = spawn.Pipe()
            told = (there, url, folder, number, people, segment_bytes)
            process = spawn.Process(target=serve, args=told, daemon=True)
            process.start()
            there.close()
            running.append((process, here))
        for _, pipe in running:
            pipe.recv()
        yield running
        for process, pipe in running:
            pipe.send(None)
            process.join(20)
    finally:
        for process, _ in running:
            if process.is_alive():
                process.kill()


def together(running: Sequence[tuple[Any, Connection]], side: str, seconds: float, most: int = ALL) -> list[Did]:
    """What each did, all at once, until it was so long or so much."""
    for _, pipe in running:
        pipe.send((side, seconds, most))
    return [pipe.recv() for _, pipe in running]


def measure(counts: Sequence[int], rounds: int, seconds: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lines and curves."""
    done: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    seen: dict[str, Counter[str]] = {name: Counter() for name in SIDES}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(database(folder))
        prepare(url, folder)
        running = stack.enter_context(processes(max(counts), url, folder))
        plain_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        watching = stack.enter_context(psycopg.connect(plain_url, autocommit=True))
        for name in SIDES:
            together(running, name, 60, most=100)  # statements and caches are known from here on
        for turn in range(rounds):
            for count in counts:
                print(f"round {turn + 1} of {rounds}: {count} processes", flush=True)
                rates = {}
                for name in SIDES if turn % 2 == 0 else reversed(SIDES):
                    with Watch(watching, [process.pid for process, _ in running]) as watch:
                        did = together(running[:count], name, seconds)
                    seen[name] += watch.seen
                    total = sum(one.operations for one in did)
                    rates[name] = total / seconds
                    done[f"{name}: operations a second"][count].append(total / seconds)
                    done[f"{name}: processor time of an operation"][count].append(
                        sum(one.cpu for one in did) / total * 1e6
                    )
                    done[f"{name}: waits of an operation"][count].append(sum(one.waits for one in did) / total)
                done["protected / plain, operations a second"][count].append(rates["protected"] / rates["plain"])
    return list(_lines(done, seen, min(counts), max(counts))), [*_curves(done)]


_UNITS = {"operations a second": "1/s", "processor time of an operation": "us", "waits of an operation": "waits"}


def _curves(done: dict[str, dict[float, list[float]]]) -> Iterator[dict[str, Any]]:
    yield curve(
        "protected / plain, operations a second",
        "processes",
        "x plain",
        done["protected / plain, operations a second"],
        aim="flat",
    )
    for name in SIDES:
        for what, unit in _UNITS.items():
            flat = name == "protected" and what != "operations a second"
            here = curve(f"{name}: {what}", "processes", unit, done[f"{name}: {what}"], aim="flat" if flat else None)
            yield here


def _lines(
    done: dict[str, dict[float, list[float]]], seen: dict[str, Counter[str]], few: int, many: int
) -> Iterator[dict[str, Any]]:
    for what in ("processor time of an operation", "waits of an operation"):
        for name in SIDES:
            of = done[f"{name}: {what}"]
            ratios = [b / a for a, b in zip(of[few], of[many], strict=True)]
            blank = "" if name == "protected" else " "
            yield row(f"{blank}{name}: {what}, {many} / {few}", "x", None, _at_least_two(ratios))
    for name in SIDES:
        blank, counted = ("" if name == "protected" else " "), seen[name]
        waiting = counted["locks"] / max(1, counted["active"]) * 100
        yield row(f"{blank}{name}: statements seen waiting for a lock", "%", None, [waiting, waiting])
        files = float(counted["files"])
        yield row(f"{blank}{name}: processes seen waiting for a file's lock", "times", None, [files, files])
        looks = float(counted["looks"])
        yield row(f"{blank}{name}: looks", "times", None, [looks, looks])


def _at_least_two(values: list[float]) -> list[float]:
    return values if len(values) > 1 else values * 2


def main() -> None:
    """Measures, prints and writes what was found."""
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--quick", action="store_true", help="up to two processes, for a moment")
    quick = said.parse_args().quick
    lines, curves = measure((1, 2), 2, 0.5) if quick else measure((1, 2, 4, 8), 5, 3.0)
    report(lines)
    report_curves(curves)
    if not quick:
        title = f"One to eight application processes, one PostgreSQL, {os.cpu_count()} processors"
        Results("processes", title, "python -m benchmarks.processes", lines, curves).write()


if __name__ == "__main__":
    main()
