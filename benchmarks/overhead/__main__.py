"""What protection costs, as ratios from one interleaved run.

    python -m benchmarks.overhead                 # about six minutes; writes benchmarks/results/overhead*.json
    python -m benchmarks.overhead --quick         # less than a minute, coarser; writes nothing
    python -m benchmarks.overhead --headlines     # single statements alone, half a minute; writes nothing
    python -m benchmarks.overhead --only sqlite --operation "get by key"

All sides of a comparison run in turn, round after round, so that a machine that speeds up or slows down does it to all.
Each figure is the median of the rounds, with the spread of the middle half. Every answer is checked before it is timed.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.overhead import headlines, matrix
from benchmarks.overhead.operations import ENTITIES, OPERATIONS, POINT
from benchmarks.report import report
from benchmarks.results import Results

COMMAND = "python -m benchmarks.overhead"
QUICK_ASYNC = (POINT, ENTITIES)
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def main() -> int:
    """Prints the tables; with ``--check``, exits 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; writes nothing")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--headlines", action="store_true", help="single statements alone; writes nothing")
    parser.add_argument("--only", choices=tuple(NAMES), help="one database; writes nothing")
    parser.add_argument("--operation", action="append", choices=tuple(OPERATIONS), help="not all; writes nothing")
    options = parser.parse_args()
    write = not (options.quick or options.headlines or options.only or options.operation)
    rounds, seconds = (3, 0.006) if options.quick else (11, 0.06)
    missed = False
    if not options.headlines:
        for database, is_async in matrix.KINDS:
            if options.only in {None, database}:
                title = f"Overhead on {NAMES[database]}, {'async' if is_async else 'sync'}"
                print(f"\n{title}")
                only = tuple(options.operation or (QUICK_ASYNC if options.quick and is_async else ()))
                kind = (database, is_async)
                lines = list(matrix.measure(rounds=rounds, seconds=seconds, kinds=(kind,), only=only))
                missed |= report(lines)
                if write:
                    Results(f"overhead-{database}-{'async' if is_async else 'sync'}", title, COMMAND, lines).write()
    if not (options.only or options.operation):
        print("\nSingle statements, SQLite in memory")
        lines = headlines.measure(options.quick)
        missed |= report(lines)
        if write:
            Results("overhead", "What protection costs", COMMAND, lines).write()
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
