"""Asking a log: how long, from segments and from the table, beside the floor.

    python -m benchmarks.accesslog.asking                      10^4, 10^5 and 10^6 events in segments; 10^5 in tables
    python -m benchmarks.accesslog.asking --events 10000000

One statement in twenty-five is unbounded, so that of a million events 20,000 outcomes are. Times are of this machine, files in
the page cache; on a busy one, the seconds of a processor tell more. The floor of segments is their bytes read, and searched
once.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from benchmarks.accesslog.bars import Bar, best
from benchmarks.accesslog.generated import BEGIN, WRITERS, generate, person
from benchmarks.databases import databases
from sa_privacy.accesslog import Source
from sa_privacy.accesslog.questions import Journal, breach, by, denied, who
from sa_privacy.accesslog.sinks import EventTable, Shipper, TableSource

__all__ = ["bars"]

SEGMENTS = 3.0
TABLE = 0.2


def bars(directory: Path, scratch: Path) -> Iterator[Bar]:
    """``who`` of a log, from its segments and from tables."""
    journal = Journal(directory)
    taken = best(lambda: who(journal, person(7)))
    yield Bar("who, from segments", taken, "s", SEGMENTS, floor=best(lambda: floor(directory)))
    for name, url in databases(scratch):
        with filled(url, directory) as table:
            yield Bar(f"who, from the table in {name}", asked(table), "s", TABLE)


def floor(directory: Path) -> int:
    """All bytes of the segments, read and searched once."""
    found = 0
    for path in directory.glob("*.jsonl"):
        with path.open("rb") as file:
            while block := file.read(256 * 1024):
                found += block.find(b"nowhere in there")
    return found


def filled(url: str, directory: Path) -> EventTable:
    table = EventTable(url)
    table.create()
    Shipper(directory, table).run_once()
    with table.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return table


def asked(table: EventTable) -> float:
    """The median seconds of ``who``, of twenty people."""
    source, took = TableSource(table), []
    for number in range(20):
        began = time.perf_counter()
        who(source, person(number))
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def every(source: Source, after: datetime) -> None:
    """Prints the seconds of each question."""
    asked: dict[str, Callable[[], object]] = {
        "who": lambda: len(who(source, person(7)).uses),
        "who, one hour": lambda: len(who(source, person(7), since=after - timedelta(hours=1), until=after).uses),
        "by": lambda: sum(group.statements for group in by(source, "staff:7").groups),
        "denied": lambda: len(denied(source).groups),
        "breach, one account": lambda: breach(source, actor="staff:7").people,
        "breach, everything": lambda: breach(source).people,
    }
    for name, ask in asked.items():
        start, busy = time.perf_counter(), time.process_time()
        found = ask()
        took, busy = time.perf_counter() - start, time.process_time() - busy
        print(f"  {name:22} {took:8.3f} s ({busy:.3f} s of a processor)   found {found!s:>9}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--tables", type=int, default=100_000, help="up to so many events are asked in tables too")
    given = parser.parse_args()
    for events in given.events:
        with tempfile.TemporaryDirectory() as kept:
            directory = Path(kept) / "log"
            generate(directory, events)
            size = sum(file.stat().st_size for file in directory.iterdir())
            print(f"{events:,} events, {size / 1e6:,.0f} MB, {len(list(directory.iterdir()))} segments")
            after = BEGIN + timedelta(milliseconds=97) * (events // len(WRITERS))
            every(Journal(directory), after)
            for name, url in databases(Path(kept)) if events <= given.tables else ():
                print(f"  from the table in {name}")
                with filled(url, directory) as table:
                    every(TableSource(table), after)


if __name__ == "__main__":
    main()
