"""What grows with the work, and what stays flat: curves with their slopes, both sides interleaved in one run.

    python -m benchmarks.growth                  # about eight minutes; 14 GB of disk for a log of 10^7 events
    python -m benchmarks.growth --quick          # smaller sizes, under a minute
    python -m benchmarks.growth --only rows      # one of: statements, columns, roles, logs, rows, together, kept

A slope is the exponent that fits best: 0 is flat, 1 linear. Each answer is compared with what it has to be.
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

#: What is measured of each thing that grows, quickly or in full.
AXES: dict[str, Callable[[bool], Found]] = {
    "statements": lambda quick: statements.measure(statements.QUICK if quick else statements.FULL, 3 if quick else 7),
    "columns": lambda quick: columns.measure(columns.QUICK if quick else columns.FULL, 3 if quick else 7),
    "roles": lambda quick: roles.measure(roles.QUICK if quick else roles.FULL, 3 if quick else 7),
    "logs": lambda quick: logs.measure(logs.QUICK if quick else logs.FULL, 1 if quick else 5),
    "rows": lambda quick: rows.measure(rows.QUICK if quick else rows.FULL, 1 if quick else 5),
    "together": lambda quick: (
        together.measure(together.QUICK, together.TASKS_QUICK, 2, 100)
        if quick
        else together.measure(together.FULL, together.TASKS, 5)
    ),
    "kept": lambda quick: kept.measure(kept.QUICK if quick else kept.FULL, 1),
}


def main() -> int:
    """Prints the tables; writes the results where nothing was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer rounds")
    parser.add_argument("--only", choices=AXES, help="one thing that grows")
    said = parser.parse_args()
    results = Results("growth", "What grows with the work", "python -m benchmarks.growth")
    begun = time.monotonic()
    for name, measure in AXES.items():
        if said.only in (None, name):
            print(f"{name} ...", flush=True)
            found = list(measure(said.quick))
            curves = [one for one in found if "points" in one]
            report_curves(curves)
            results.curves += curves
            results.lines += [one for one in found if "points" not in one]
            print(f"  {time.monotonic() - begun:.0f} s so far", flush=True)
    missed = bool(results.lines) and report(results.lines)
    if not (said.quick or said.only):
        print(results.write())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
