"""Runs all benchmarks there are, one after the other, then draws the pictures and fills the tables: ``make bench``.

python -m benchmarks                     # three quarters of an hour on a quiet machine
python -m benchmarks overhead sealing    # some of them
python -m benchmarks --list
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

#: Each is a module ``benchmarks.NAME`` with a ``--quick``, and writes its results where it is not given.
BENCHMARKS = (
    "overhead",
    "accesslog",
    "sealing",
    "migration",
    "subject_keys",
    "holds",
    "wall",
    "discovery",
    "gdprbench",
    "shop",
    "growth",
    "processes",
    "capacity",
)
#: What is made of their results.
AFTERWARDS = ("plots", "tables", "carried")


def main() -> int:
    """Exits 1 where one of them fails, once all have run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all where none is named")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; writes nothing")
    parser.add_argument("--list", action="store_true", help="says what there is")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(BENCHMARKS)):
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if options.list:
        print("\n".join(BENCHMARKS))
        return 0
    failed = []
    for name in options.names or BENCHMARKS:
        failed += [] if _run(name, *(["--quick"] if options.quick else [])) else [name]
    if not options.quick:
        failed += [name for name in AFTERWARDS if not _run(name)]
    if failed:
        print(f"error: {', '.join(failed)} did not end well.", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, *arguments: str) -> bool:
    print(f"\n== {name}", flush=True)
    start = time.monotonic()
    ended = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=False)  # noqa: S603
    print(f"== {name}: {time.monotonic() - start:,.0f} s", flush=True)
    return ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
