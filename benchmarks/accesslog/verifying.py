"""What proving the access log costs: verification beside its floor (reading and SHA-256), and checkpoints.

python -m benchmarks.accesslog.verifying                     # 10^4 to 10^6 events
python -m benchmarks.accesslog.verifying --events 10000000   # up to 10^7, about 7 GB of disk
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.accesslog.bars import Bar, best, lines_of, seconds
from benchmarks.accesslog.generated import generate
from benchmarks.report import report
from sa_privacy.accesslog import Checkpoints, verify_directory
from sa_privacy.crypto import SigningKey

__all__ = ["bars"]

EVENTS_A_SECOND = 300_000


def bars(directory: Path, events: int, workers: int = os.cpu_count() or 1) -> Iterator[Bar]:
    """Events a second, by one process and by several; seconds of a checkpoint."""
    least = events / best(lambda: floor(directory), 2)
    for processes in dict.fromkeys((1, workers)):
        took = best(lambda: verified(directory, processes), 2)  # noqa: B023 - called at once
        name = "verified" if processes == 1 else f"verified, {processes} processes"
        bar = EVENTS_A_SECOND if processes == workers else None
        yield Bar(name, events / took, "events/s", bar, least=True, floor=least * processes)
    making = Checkpoints(directory, SigningKey.generate())
    yield Bar("the first checkpoint, of all events", seconds(making.write), "s")
    yield Bar("the next checkpoint, of nothing new", seconds(making.write) * 1000, "ms")


def floor(directory: Path) -> None:
    """Read all lines, hash each, and nothing else: no proof in Python is faster in one process."""
    sha256 = hashlib.sha256
    for path in sorted(directory.glob("*.jsonl")):
        with path.open("rb", buffering=256 * 1024) as file:
            for line in file:
                sha256(line[:-76]).hexdigest()


def verified(directory: Path, workers: int) -> None:
    found = verify_directory(directory, workers=workers)
    if not found.ok:
        raise SystemExit(str(found))


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--events", type=int, default=10**6)
    said.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = said.parse_args()
    events = 10**4
    while events <= chosen.events:
        with tempfile.TemporaryDirectory() as root:
            generate(Path(root) / "log", events)
            print(f"{events:,} events")
            report(lines_of(bars(Path(root) / "log", events, chosen.workers)))
        events *= 10


if __name__ == "__main__":
    main()
