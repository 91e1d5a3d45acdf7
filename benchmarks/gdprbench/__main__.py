"""GDPRbench: correctness, completion time, space.

python -m benchmarks.gdprbench                       # 10,000 records, 1,000 operations; some minutes
python -m benchmarks.gdprbench --large               # 100,000 records, 10,000 operations; hours
python -m benchmarks.gdprbench --quick               # 500 records, 120 operations: whether it runs
python -m benchmarks.gdprbench --only customer --on PostgreSQL --operations
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.gdprbench.oracle import WrongAnswer
from benchmarks.gdprbench.places import Places, postgresql, sqlite
from benchmarks.gdprbench.race import Race, race
from benchmarks.gdprbench.records import record
from benchmarks.gdprbench.sides import Apart
from benchmarks.gdprbench.space import personal_bytes, stored
from benchmarks.gdprbench.trace import MIXES, Mix, Role, trace
from benchmarks.report import report, row
from benchmarks.results import Results

BAR = -0.85  # at least; on PostgreSQL
SPEED = "operations/s, of plain's"
SIZES = {"quick": (500, 120), "default": (10_000, 1_000), "large": (100_000, 10_000)}


def one(
    places: Places, role: Role, mix: Mix, records: int, operations: int, *, shows: bool, scheduled: bool = False
) -> list[dict[str, Any]]:
    """A workload on one kind of database, as lines of the table.

    :param scheduled: deletes by TTL are runs of retention under protection; it has no bar.
    """
    name = f"{places.kind}, {role}" + ("" if mix == "both" else f", {mix} mix")
    name += ", TTL by schedule" if scheduled else ""
    protected = "scheduled" if scheduled else "protected"
    directory = places.directory / f"{role}-{mix}-{protected}"
    directory.mkdir(mode=0o700)
    sides = [
        Apart(side, places.url(f"{side}-{directory.name}"), directory, module)
        for side, module in (("plain", "plain"), ("protected", protected))
    ]
    rows = [record(n) for n in range(records)]
    began = time.monotonic()
    try:
        found = race(name, sides, rows, trace(role, mix, records, operations))
        space = {side.name: side.ask(stored) / personal_bytes(rows) for side in sides}
    finally:
        for side in sides:
            side.close()
    print(f"{name}: all answers right, {time.monotonic() - began:.0f} s", flush=True)
    if shows:
        print(*found.lines(), sep="\n")
    return lines(name, found, space, bar=BAR if places.kind == "PostgreSQL" and not scheduled else None)


def lines(name: str, found: Race, space: dict[str, float], bar: float | None) -> list[dict[str, Any]]:
    """What is said of one workload: a row of the table, each figure in its column."""
    told = [_figure(name, SPEED, row(name, "x plain's operations/s", bar, found.ratios))]
    for what, unit, figures in (
        ("time", "s", {system: found.completion(system) for system in space}),
        ("space", "bytes/personal byte", space),
    ):
        for system, value in figures.items():
            blank = " " if system == "plain" else ""
            told.append(_single(name, f"{what}, {system}", unit, value, blank))
    nothing = 100 * found.found_nothing / found.operations
    return [*told, _single(name, "operations that found nothing", "%", nothing, " ")]


def _single(name: str, side: str, unit: str, value: float, blank: str) -> dict[str, Any]:
    line = {"what": f"{blank}{name}: {side}", "unit": unit, "bar": None}
    return _figure(name, side, line | dict.fromkeys(("median", "low", "high"), value))


def _figure(name: str, side: str, line: dict[str, Any]) -> dict[str, Any]:
    return line | {"operation": name, "side": side}


def main() -> int:
    """Prints the table; exits 1 where an answer is wrong, and with ``--check`` where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="size", action="store_const", const="quick", help="500 records, 120 operations")
    size.add_argument(
        "--large", dest="size", action="store_const", const="large", help="100,000 records, 10,000 operations"
    )
    parser.add_argument("--only", choices=sorted({role for role, _ in MIXES}), help="one role")
    parser.add_argument("--on", choices=("SQLite", "PostgreSQL"), help="one kind of database")
    parser.add_argument("--operations", action="store_true", help="shows the median of each kind of operation")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    parser.add_argument("--out", type=Path, help="the directory for the results, instead of benchmarks/results")
    options = parser.parse_args()
    records, operations = SIZES[options.size or "default"]
    found: list[dict[str, Any]] = []
    try:
        for kind, opened in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
            if options.on in (None, kind):
                with opened() as places:
                    for role, mix in MIXES:
                        for scheduled in (False, True) if (role, mix) == ("controller", "paper") else (False,):
                            if options.only in (None, role):
                                found += one(
                                    *(places, role, mix, records, operations),
                                    shows=options.operations,
                                    scheduled=scheduled,
                                )
    except WrongAnswer as wrong:
        print(f"error: a wrong answer, and so no times: {wrong}", file=sys.stderr)
        return 1
    title = f"GDPRbench, {records:,} records, {operations:,} operations, every answer checked"
    print(f"\n{title}\n")
    missed = report(found)
    if options.out is not None or not (options.only or options.on or options.size):
        command = "python -m benchmarks.gdprbench"
        results = Results("gdprbench", title, command, found)
        print(results.write(options.out) if options.out else results.write())
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
