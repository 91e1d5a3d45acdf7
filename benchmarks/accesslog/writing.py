"""What writing the access log costs: microseconds and bytes an event, for each way of syncing, and the floor.

    python -m benchmarks.accesslog.writing [--events 20000] [--directory DIR]

An event here is half of a pair: the intent and the outcome of one ordinary statement, members ready made as the gate has
them. The floor is what cannot be left out: the same bytes hashed with SHA-256 and handed to the system in one write.
Where threads are many, an event costs the time of the whole run by the number of events: what the process gets done.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from benchmarks.accesslog.bars import Bar
from sa_privacy.accesslog import AccessLog, Fsync, members

FSYNC: tuple[Fsync, ...] = ("never", "interval", "always")
THREADS = (1, 8, 32)
ROUNDS = 5

INTENT = members(
    actor="staff:17",
    roles=["warehouse"],
    purpose=["shipping"],
    reason=None,
    request="01JD9Z6X2M8Q4V7R",
    route="GET /orders/{id}",
    reads=["customers.address", "customers.id", "customers.name", "orders.id"],
    matches=["orders.id"],
    statement="sha256:0123456789abcdef",
    decision="allowed",
    policy="sha256:" + "ab" * 32,
    origin="shop/orders.py:42 in show",
)
OUTCOME = members(
    actor="staff:17",
    roles=["warehouse"],
    purpose=["shipping"],
    reason=None,
    request="01JD9Z6X2M8Q4V7R",
    route="GET /orders/{id}",
    reads=["customers.address", "customers.id", "customers.name", "orders.id"],
    intent=12345,
    rows=1,
    subjects=["customer:0123456789abcdef0123"],
    cells={"customers.address": 1, "customers.name": 1},
)


def pairs(append: Callable[[str, bytes], object], events: int) -> None:
    for _ in range(events // 2):
        append("intent", INTENT)
        append("outcome", OUTCOME)


def timed(append: Callable[[str, bytes], object], threads: int, events: int) -> float:
    """Microseconds an event."""
    if threads == 1:
        begin = time.perf_counter()
        pairs(append, events)
        return (time.perf_counter() - begin) / events * 1e6
    start = threading.Barrier(threads + 1)

    def work() -> None:
        start.wait()
        pairs(append, events // threads)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    start.wait()
    begin = time.perf_counter()
    for thread in running:
        thread.join()
    return (time.perf_counter() - begin) / events * 1e6


def lines(directory: Path) -> tuple[bytes, bytes]:
    """An intent and an outcome as they stand in a segment."""
    with AccessLog.open(directory, fsync="never") as log:
        pairs(log.append, 2)
        [path] = log.path.iterdir()
        _, intent, outcome = path.read_bytes().splitlines(keepends=True)
    return intent, outcome


def floor(directory: Path, intent: bytes, outcome: bytes, events: int) -> float:
    """Microseconds to hash the bytes of such a line and write them, in one thread."""
    fd = os.open(directory / "floor", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    write = os.write
    begin = time.perf_counter()
    for _ in range(events // 2):
        sha256(intent).digest()
        write(fd, intent)
        sha256(outcome).digest()
        write(fd, outcome)
    took = time.perf_counter() - begin
    os.close(fd)
    return took / events * 1e6


def smallest(root: Path, events: int = 20_000) -> float:
    """The floor: microseconds an event."""
    pair = lines(root / "sample")
    return min(floor(root, *pair, events) for _ in range(ROUNDS))


def bars(root: Path, events: int, least: float) -> Iterator[Bar]:
    """An event appended by one thread, members ready made."""
    for fsync in FSYNC:
        many = max(events // 20, 20) if fsync == "always" else events
        with AccessLog.open(root / fsync, fsync=fsync) as log:
            took = min(timed(log.append, 1, many) for _ in range(ROUNDS))
        yield Bar(f'an event appended, fsync="{fsync}"', took, "us", floor=least)


def main() -> None:
    parser = argparse.ArgumentParser(description="What writing the access log costs.")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--directory", type=Path, default=None, help="where to write; a disk, not memory")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=said.directory) as name:
        root = Path(name)
        root.chmod(0o700)
        print(f"{'floor: sha256 + write':24} {smallest(root, said.events):8.2f} us an event")
        for number, (fsync, threads) in enumerate([(f, t) for f in FSYNC for t in THREADS]):
            report(root / str(number), fsync, threads, said.events)


def report(directory: Path, fsync: Fsync, threads: int, events: int) -> None:
    if fsync == "always":
        events = max(events // 20, threads * 20)
    with AccessLog.open(directory, fsync=fsync) as log:
        timed(log.append, threads, max(events // 10, threads * 2))
        before = log.metrics().syncs
        took = min(timed(log.append, threads, events) for _ in range(ROUNDS))
        syncs = (log.metrics().syncs - before) / (events // (2 * threads) * 2 * threads * ROUNDS)
    size = sum(path.stat().st_size for path in directory.iterdir()) / sum(1 for _ in log.events())
    print(f"{fsync:10} {threads:3} threads {took:12.2f} us an event, {syncs:7.4f} syncs, {size:4.0f} bytes")


if __name__ == "__main__":
    main()
