"""What one event of the access log costs at each step of its life, and what that makes of a day of 10^9.

python -m benchmarks.capacity            # about two minutes; writes the results, and the table in docs/scale.md
python -m benchmarks.capacity --quick    # some seconds; writes nothing
python -m benchmarks.capacity --page     # the table in docs/scale.md anew, from the results that are there
"""

from __future__ import annotations

import argparse
import gzip
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from benchmarks.accesslog import shipping, writing
from benchmarks.accesslog.generated import generate
from benchmarks.databases import databases
from benchmarks.report import report, row
from benchmarks.results import Results
from sa_privacy.accesslog import AccessLog, Checkpoints, verify_directory
from sa_privacy.accesslog.sinks import EventTable, Shipper
from sa_privacy.crypto import SigningKey
from sa_privacy.executors import Processes

__all__ = [
    "APPEND",
    "HEAD",
    "LINE",
    "PACKED",
    "ROLL",
    "ROW",
    "SERVER",
    "SHARED",
    "SHIP",
    "SHIPPER",
    "VERIFY",
    "measure",
]

APPEND, ROLL, LINE, PACKED, VERIFY, SHARED, SHIP, SHIPPER, SERVER, ROW, HEAD = (
    "an event appended, by one process",
    "an event that goes into the next file, syncs and all",
    "an event in a segment",
    "the same, compressed",
    "verified, by one process",
    "verified, by a process for each processor",
    "shipped to PostgreSQL, by one shipper",
    "processor time of the shipper",
    "processor time of the server",
    "an event in PostgreSQL, indexes and all",
    "a writer's head in a checkpoint",
)


def measure(events: int, rounds: int) -> list[dict[str, Any]]:
    """The lines: what each step costs."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o700)
        print("appending", flush=True)
        appended = list(_appended(root, events // 10, rounds))
        print("verifying", flush=True)
        log = root / "log"
        generate(log, events)
        lines = sum(path.read_bytes().count(b"\n") for path in log.glob("*.jsonl"))
        size = sum(path.stat().st_size for path in log.glob("*.jsonl"))
        one = [lines / _seconds(lambda: _verified(log)) for _ in range(rounds)]
        with Processes(os.cpu_count() or 1) as pool:
            _verified(log, executor=pool)
            shared = [lines / _seconds(lambda: _verified(log, executor=pool)) for _ in range(rounds)]
        print("shipping", flush=True)
        shipped = list(_shipped(root, events // 5, max(2, rounds // 2)))
        found = {
            APPEND: ("us", appended),
            ROLL: ("us", list(_rolled(root, rounds))),
            LINE: ("bytes", [size / lines] * 2),
            PACKED: ("bytes", [_packed(log) / lines] * 2),
            VERIFY: ("1/s", one),
            SHARED: ("1/s", shared),
            SHIP: ("1/s", [made for made, *_ in shipped]),
            SHIPPER: ("us", [made for _, made, *_ in shipped]),
            SERVER: ("us", [made for _, _, made, _ in shipped]),
            ROW: ("bytes", [made for *_, made in shipped]),
            HEAD: ("bytes", [_head(root / "heads")] * 2),
        }
    return [row(what, unit, None, values) for what, (unit, values) in found.items()]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _verified(log: Path, **how: Any) -> None:
    found = verify_directory(log, **how)
    if not found.ok:
        raise SystemExit(str(found))


def _appended(root: Path, events: int, rounds: int) -> Iterator[float]:
    with AccessLog.open(root / "appended") as log:
        for _ in range(rounds):
            yield writing.timed(log.append, 1, events)


def _rolled(root: Path, rounds: int) -> Iterator[float]:
    """Each event of this log goes into a file of its own: its hand-over is what threads wait for, now and then."""
    with AccessLog.open(root / "rolled", segment_bytes=1) as log:
        for _ in range(rounds):
            yield writing.timed(log.append, 1, 100)


def _packed(log: Path) -> int:
    """Bytes of all segments, compressed as keeping does."""
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in log.glob("*.jsonl"))


def _head(directory: Path) -> float:
    """Bytes that one more writer adds to a checkpoint."""
    key, sizes = SigningKey.generate(), []
    for writers in (1, 11):
        here = directory.with_name(f"heads{writers}")
        for _ in range(writers):
            with AccessLog.open(here) as log:
                log.append("use", b"")
        Checkpoints(here, key).write()
        sizes.append(sum(path.stat().st_size for path in here.glob("*.ndjson")))
    return (sizes[1] - sizes[0]) / 10


def _shipped(root: Path, events: int, rounds: int) -> Iterator[tuple[float, float, float, float]]:
    """Events a second, us of shipper and server, and bytes in the tables."""
    journal = root / "journal"
    shipping.fill(journal, events)
    for name, url in databases(root):
        for turn in range(rounds if name == "PostgreSQL" else 0):
            with EventTable(create_engine(url), name=f"events{turn}") as table:
                table.create()
                server = shipping.processor_time(table.engine)
                began, busy = time.perf_counter(), time.process_time()
                shipped = Shipper(journal, table).run_once()
                took, busy = time.perf_counter() - began, time.process_time() - busy
                server = shipping.processor_time(table.engine) - server
                with table.engine.connect() as connection:
                    of = text(
                        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname LIKE :name"
                    )
                    size = float(connection.scalar(of, {"name": f"events{turn}%"}))
                yield shipped / took, busy / shipped * 1e6, server / shipped * 1e6, size / shipped
                table.engine.dispose()


def main() -> None:
    """Measures, prints, and writes what was found."""
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--quick", action="store_true", help="few events, and nothing is written")
    quick = said.parse_args().quick
    lines = measure(10_000, 2) if quick else measure(500_000, 5)
    report(lines)
    if not quick:
        Results("capacity", "An event of the access log, step by step", "python -m benchmarks.capacity", lines).write()


if __name__ == "__main__":
    main()
