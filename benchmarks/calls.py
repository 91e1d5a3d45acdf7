"""How many of the library's Python functions each operation calls, everything on: the same on every machine.

    python -m benchmarks.calls            # beside what is recorded in benchmarks/results/calls.json; 1 where there are more
    python -m benchmarks.calls --write    # records it anew, and fills the tables, where fewer are called, or more for a reason

``tests/gate/test_calls.py`` compares the same in CI. What SQLAlchemy itself calls is not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import make_url

import sa_privacy
from benchmarks import tables
from benchmarks.overhead.configurations import EVERYTHING, STAFF_AND_HOLDS, make
from benchmarks.overhead.operations import OPERATIONS, TEXT
from benchmarks.results import RESULTS

__all__ = ["RECORD", "Calls", "calls", "measure", "more", "recorded"]

RECORD = RESULTS / "calls.json"
_LIBRARY = str(Path(sa_privacy.__file__).parent)

Calls = Counter[str]


def calls(run: Callable[[], object]) -> Calls:
    """The library's functions that one run calls, once everything is worked out.

    The log looks at its file once a second, and the gate asks the database every few seconds: a run that is not counted
    does that before each that is. Counted until two agree, five times at most, and then the smallest.
    """
    found: list[Calls] = []
    while len(found) < 5:
        run()
        found.append(_count(run))
        if len(found) > 1 and found[-1] == found[-2]:
            return found[-1]
    return min(found, key=Counter.total)


def _count(run: Callable[[], object]) -> Calls:
    found: Calls = Counter()

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(_LIBRARY):
            found[f"{Path(code.co_filename).stem}.{code.co_qualname}"] += 1

    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def measure() -> dict[str, Calls]:
    """Every operation, on SQLite; SQL text without the row rule, under which it is refused."""
    found: dict[str, Calls] = {}
    for name, operations in ((EVERYTHING, [each for each in OPERATIONS if each != TEXT]), (STAFF_AND_HOLDS, [TEXT])):
        with tempfile.TemporaryDirectory() as folder:
            side = make(name, make_url("sqlite://"), Path(folder), is_async=False)
            for operation in operations:
                side.check(operation)
                found[operation] = calls(partial(side.seconds, operation, 1))
            side.close()
    return {operation: found[operation] for operation in OPERATIONS}


def recorded() -> dict[str, int]:
    """What they called when it was written down."""
    found: dict[str, int] = json.loads(RECORD.read_text(encoding="utf-8"))["calls"]
    return found


def more(found: dict[str, Calls], known: dict[str, int], *, share: float = 1.01) -> dict[str, str]:
    """The operations that call more than is recorded, with what they call most.

    :param share: of what is recorded, that they may call. A hundredth more in a bulk insert is what a second brings that passes
        meanwhile: the log looks after its file.
    """
    return {
        operation: f"{one.total()} calls, {known.get(operation, 0)} recorded: {one.most_common(25)}"
        for operation, one in found.items()
        if one.total() > share * known.get(operation, 0)
    }


def main() -> int:
    """Prints the table; exits 1 where more is called than is recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="record what is found")
    options = parser.parse_args()
    found = measure()
    if options.write:
        what = {"title": "Calls of the library's Python functions", "command": "python -m benchmarks.calls --write"}
        totals = {operation: one.total() for operation, one in found.items()}
        RECORD.write_text(json.dumps({**what, "calls": totals}, indent=2) + "\n", encoding="utf-8")
        tables.main()
    known = recorded()
    for operation, one in found.items():
        print(f"{operation:40} {one.total():8,} calls {known.get(operation, 0):8,} recorded")
    rising = more(found, known)
    for operation, said in rising.items():
        print(f"{operation}: {said}", file=sys.stderr)
    return 1 if rising else 0


if __name__ == "__main__":
    sys.exit(main())
