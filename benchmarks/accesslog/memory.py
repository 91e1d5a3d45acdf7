"""How much a process holds at most while it works on a log, by the number of its events: it should not depend on it.

    python -m benchmarks.accesslog.memory [--events 10000 1000000]

Each figure is of a process of its own, libraries included.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.accesslog.bars import Bar, lines_of
from benchmarks.accesslog.generated import generate, person
from benchmarks.report import report
from sa_privacy.accesslog import AccessLog, members, verify_directory
from sa_privacy.accesslog.questions import Journal, who
from sa_privacy.accesslog.sinks import EventTable, Shipper

__all__ = ["bars"]

FLAT = 48.0
"""MB more that many events may take than few: caches fill, SQLite's alone with 32 MB, and an answer grows."""


def write(scratch: Path, events: int) -> None:
    with AccessLog.open(scratch / "written", fsync="never") as log:
        said = members(actor="staff:17", reads=["customers.name"], decision="allowed")
        for _ in range(events):
            log.append("intent", said)


def ship(scratch: Path, _: int) -> None:
    with EventTable(f"sqlite:///{scratch / 'memory.db'}") as table:
        table.create()
        Shipper(scratch / "log", table).run_once()


WORK: dict[str, Callable[[Path, int], object]] = {
    "writing": write,
    "verifying": lambda scratch, _: verify_directory(scratch / "log"),
    "who, from segments": lambda scratch, _: who(Journal(scratch / "log"), person(7)),
    "shipping to SQLite": ship,
}


def peak() -> int:
    """The most that this process ever held, in KiB. Of Linux's: getrusage() there counts in what its parent held."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bars(few: int, many: int) -> Iterator[Bar]:
    """How much more many events take than few."""
    peaks: dict[str, list[float]] = {name: [] for name in WORK}
    for events in (few, many):
        for name, peak in peaks_of(events):
            peaks[name].append(peak)
    for name, (small, large) in peaks.items():
        yield Bar(f"memory at {many:,} events more than at {few:,}: {name}", large - small, "MB", FLAT)


def peaks_of(events: int) -> Iterator[tuple[str, float]]:
    """The peak of each work, in MB."""
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch) / "log", events)
        for name in WORK:
            command = [sys.executable, "-m", "benchmarks.accesslog.memory", "--work", name, scratch, str(events)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - itself
            yield name, int(done.stdout) / 1024


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--events", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    said.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    chosen = said.parse_args()
    if chosen.work:
        name, scratch, events = chosen.work
        WORK[name](Path(scratch), int(events))
        print(peak())
        return
    for events in chosen.events:
        report(lines_of(Bar(f"{events:,} events: {name}", peak, "MB") for name, peak in peaks_of(events)))


if __name__ == "__main__":
    main()
