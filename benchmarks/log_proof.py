"""What proving the access log costs: verification beside its floor (reading and SHA-256), checkpoints, memory.

    python -m benchmarks.log_proof                     # 10^4 to 10^6 events
    python -m benchmarks.log_proof --events 10000000   # up to 10^7, about 7 GB of disk

Events are lines of about 600 bytes, as a gate writes them. Memory is the peak of a process that only verifies.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sa_privacy.accesslog import AccessLog, Checkpoints, members, verify_directory
from sa_privacy.crypto import SigningKey

SAID = members(
    actor="staff:17",
    roles=["warehouse"],
    purpose=["shipping", "order_confirmation"],
    reads=["customers.address", "customers.name"],
    matches=["customers.id"],
    statement="sha256:0123456789abcdef",
    decision="allowed",
    policy="sha256:" + "ab" * 32,
    request="5f0c9e34-1f5b-4e0b-8a8b-0c3f0e6d9b11",
    origin="shop/orders.py:42 in listing",
)


def write(directory: Path, events: int) -> None:
    with AccessLog.open(directory, fsync="never") as log:
        for _ in range(events):
            log.append("intent", SAID)


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


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


def peak(directory: Path) -> int:
    """The peak memory of a process that verifies a log, in KiB."""
    done = subprocess.run(  # noqa: S603 - itself
        [sys.executable, "-m", "benchmarks.log_proof", "--peak", str(directory)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def measured(log: Path, events: int, workers: int) -> dict[str, float]:
    """All figures of a log of so many events."""
    write(log, events)
    making = Checkpoints(log, SigningKey.generate())
    return {
        "events": events,
        "floor": events / min(seconds(lambda: floor(log)) for _ in range(2)),
        "verify": events / min(seconds(lambda: verified(log, 1)) for _ in range(2)),
        "verify_workers": events / min(seconds(lambda: verified(log, workers)) for _ in range(2)),
        "first_checkpoint_s": seconds(making.write),
        "next_checkpoint_ms": seconds(making.write) * 1000,
        "peak_MiB": peak(log) / 1024,
    }


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    said.add_argument("--events", type=int, default=10**6)
    said.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    said.add_argument("--json", action="store_true")
    said.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    chosen = said.parse_args()
    if chosen.peak:
        verified(chosen.peak, 1)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    rows: list[dict[str, float]] = []
    events = 10**4
    while events <= chosen.events:
        with tempfile.TemporaryDirectory() as root:
            row = measured(Path(root) / "log", events, chosen.workers)
        rows.append(row)
        if not chosen.json:
            print(
                f"{events:>10,} events: floor {row['floor']:>9,.0f}/s, verify {row['verify']:>9,.0f}/s, "
                f"{chosen.workers} processes {row['verify_workers']:>9,.0f}/s, peak {row['peak_MiB']:.0f} MiB, "
                f"checkpoint of all {row['first_checkpoint_s']:.2f} s, of nothing new {row['next_checkpoint_ms']:.1f} ms",
                flush=True,
            )
        events *= 10
    if chosen.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
