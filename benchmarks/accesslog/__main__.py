"""All bars of the access log in one table: what was measured, the bar, and the floor that Python cannot go below.

python -m benchmarks.accesslog            # a million events; about two minutes, 3 GB of disk
python -m benchmarks.accesslog --quick    # 50,000 events; about a minute
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.accesslog import asking, memory, shipping, statement, verifying, writing
from benchmarks.accesslog.bars import Bar, lines_of
from benchmarks.accesslog.generated import generate
from benchmarks.report import report
from benchmarks.results import Results


def bars(quick: bool) -> Iterator[Bar]:
    """All of them."""
    events = 50_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        scratch.chmod(0o700)
        yield from statement.bars(quick)
        yield from writing.bars(scratch, 20_000, writing.smallest(scratch))
        yield from shipping.bars(scratch, events // 5)
        log = scratch / "log"
        generate(log, events)
        yield from asking.bars(log, scratch)
        yield from verifying.bars(log, events)
    yield from memory.bars(10_000, events // 4)


def main() -> int:
    """Prints the table; with ``--check``, exits 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer events; the bars of questions are of a million")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    options = parser.parse_args()
    lines = lines_of(bars(options.quick))
    if not options.quick:
        Results("accesslog", "What the access log costs", "python -m benchmarks.accesslog", lines).write()
    return 1 if report(lines) and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
