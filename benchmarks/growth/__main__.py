"""What grows with the work, and what stays flat: curves with their slopes, both sides interleaved in one run.

    python -m benchmarks.growth                  # about a quarter of an hour; 14 GB of disk for a log of 10^7 events
    python -m benchmarks.growth --quick          # smaller sizes, under a minute; writes nothing
    python -m benchmarks.growth --only rows      # one of: statements, columns, roles, logs, rows, together, kept

A slope is the exponent that fits best: 0 is flat, 1 linear. Each answer is compared with what it has to be. The results of
each thing that grows are a file of their own, written as soon as they are there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.growth import columns, kept, logs, roles, rows, statements, together
from benchmarks.report import report, report_curves
from benchmarks.results import Results

__all__ = ["AXES"]

Found = Iterator[dict[str, Any]]

TITLES = {
    "statements": "statement shapes",
    "columns": "annotated columns",
    "roles": "roles x purposes",
    "logs": "length of the access log",
    "rows": "rows of a table",
    "together": "threads and tasks at the same time",
    "kept": "memory of what is over",
}
#: What is measured of each thing that grows, quickly or in full.
AXES: dict[str, Callable[[bool], Found]] = {
    "statements": lambda quick: statements.measure(statements.QUICK if quick else statements.FULL, 2 if quick else 5),
    "columns": lambda quick: columns.measure(columns.QUICK if quick else columns.FULL, 2 if quick else 5),
    "roles": lambda quick: roles.measure(roles.QUICK if quick else roles.FULL, 2 if quick else 5),
    "logs": lambda quick: logs.measure(logs.QUICK if quick else logs.FULL, 1 if quick else 3),
    "rows": lambda quick: rows.measure(rows.QUICK if quick else rows.FULL, 1 if quick else 3),
    "together": lambda quick: (
        together.measure(together.QUICK, together.TASKS_QUICK, 2, 100)
        if quick
        else together.measure(together.FULL, together.TASKS, 3)
    ),
    "kept": lambda quick: kept.measure(kept.QUICK if quick else kept.FULL, 1),
}


def main() -> int:
    """Prints the tables as they come; with ``--check``, exits 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds; writes nothing")
    parser.add_argument("--only", choices=AXES, action="append", help="one thing that grows, or several")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    said = parser.parse_args()
    missed = False
    for name in said.only or AXES:
        print(f"\n{name} ...", flush=True)
        begun = time.monotonic()
        found = list(AXES[name](said.quick))
        print(f"{name}: {time.monotonic() - begun:,.0f} s", flush=True)
        curves = [one for one in found if "points" in one]
        lines = [one for one in found if "points" not in one]
        report_curves(curves)
        missed |= bool(lines) and report(lines)
        if not said.quick:
            command = f"python -m benchmarks.growth --only {name}"
            print(Results(f"growth-{name}", f"Growth: {TITLES[name]}", command, lines, curves).write(), flush=True)
    return 1 if missed and said.check else 0


if __name__ == "__main__":
    sys.exit(main())
