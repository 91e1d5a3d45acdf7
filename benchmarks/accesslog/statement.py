"""What an event costs in the path of a statement: gate and log, less the gate alone, for each of a statement's two events.

    python -m benchmarks.accesslog.statement            # a few seconds

Both engines run in turn, round after round, in one process, and what counts is the time of the processor: what the disk
and other programs take is not the event's. Nothing is forced to the disk (``fsync="never"``). The floor is taken in the
same place, between statements: there, hashing and writing cost more than twice of what they cost in a loop of their own.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from io import FileIO
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select

from benchmarks.accesslog.bars import Bar
from benchmarks.overhead import Bench, Customer, Visit
from benchmarks.report import report, row
from sa_privacy import AccessLog

__all__ = ["bars", "measure"]

BAR = 6.0
_LINE = b"x" * 600


def bars(quick: bool) -> Iterator[Bar]:
    """An event of each statement, and the floor in the same place."""
    for one in measure(quick):
        yield Bar(one["what"], one["median"], one["unit"], one["bar"], floor=one["floor"])


def measure(quick: bool) -> list[dict[str, Any]]:
    """The lines of the table."""
    rounds, many = (7, 300) if quick else (25, 1500)
    visits, customers = Visit.__table__, Customer.__table__
    statements: dict[str, Any] = {
        "its key asked for, one row": select(visits).where(visits.c.id == 1),
        "its key in the row, one row": select(visits).where(visits.c.took == 1),
        "unbounded, one row": select(visits.c.page).where(visits.c.took == 1),
        "four sealed columns, one row": select(customers).where(customers.c.id == 1),
    }
    found = []
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "floor").open("ab", buffering=0) as file:
        bench = Bench()
        gate = bench.protect("gate", None)
        logged = bench.protect("log", AccessLog.open(Path(folder) / "log", fsync="never"))
        for name, statement in statements.items():
            runs = [bench.statement(bench.engines[engine], statement) for engine in ("gate", "log")]
            who: dict[str, Any] = {"purpose": "work", "role": "staff", "actor": "bench"}
            with gate.access(**who), logged.access(**who):
                more = added(runs[0], runs[1], rounds, many)
                least = added(runs[0], partial(_least, runs[0], file), rounds, many)
            line = row(f"an event: {name}", "us", BAR, [each / 2 for each in more])
            found.append({**line, "floor": median(least) / 2})
        for privacy in (gate, logged):
            privacy.close()
    return found


def added(without: Callable[[], None], ours: Callable[[], None], rounds: int, repeat: int) -> list[float]:
    """Microseconds of the processor that ours takes longer, round by round."""
    for run in (without, ours):
        _seconds(run, repeat // 10)
    found = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            before, with_log, after = (_seconds(run, repeat) for run in (without, ours, without))
            found.append((with_log - (before + after) / 2) / repeat * 1e6)
    finally:
        gc.enable()
    return found


def _least(statement: Callable[[], None], file: FileIO) -> None:
    """A statement, and twice what no event can do without: its bytes hashed, and handed to the system."""
    statement()
    sha256(_LINE).hexdigest()
    file.write(_LINE)
    sha256(_LINE).hexdigest()
    file.write(_LINE)


def _seconds(run: Callable[[], None], repeat: int) -> float:
    start = time.process_time()
    for _ in range(repeat):
        run()
    return time.process_time() - start


def main() -> int:
    """Prints the table; with ``--check``, exits 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--check", action="store_true", help="exit 1 where the bar is missed")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    found = measure(options.quick)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if report(found) and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
