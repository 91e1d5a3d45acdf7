"""The length of the access log: writing one more event, proving all of them, and asking for one person.

Each in a process of its own, one core. The floor of proving is reading and hashing every line; of asking, reading them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accesslog import asking, verifying
from benchmarks.accesslog.bars import seconds
from benchmarks.accesslog.generated import generate, person
from benchmarks.growth.children import in_child, tell
from benchmarks.results import curve
from sa_privacy.accesslog import AccessLog, members, verify_directory
from sa_privacy.accesslog.questions import Journal, who

__all__ = ["FULL", "QUICK", "measure"]

FULL, QUICK = (10_000, 100_000, 1_000_000, 10_000_000), (5_000, 20_000)
X = "events in the log"
BYTES_AN_EVENT = 700
APPENDED = 20_000
TOLD = {"append": "one more event", "verify": "proving the log", "who": "who used one person's data"}
SAID = members(actor="staff:17", reads=["customers.name"], decision="allowed")


def measure(sizes: Sequence[int], rounds: int) -> Iterator[dict[str, Any]]:
    """Curves of time and memory. A size that the disk has no room for is left out, and said.

    :param sizes: events, ascending.
    """
    times: dict[str, dict[float, list[float]]] = {work: {} for work in TOLD}
    floors: dict[str, dict[float, list[float]]] = {work: {} for work in TOLD}
    peaks: dict[str, dict[float, list[float]]] = {work: {} for work in TOLD}
    for events in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            if shutil.disk_usage(scratch).free < 2 * events * BYTES_AN_EVENT:
                print(f"  left out: {events:,} events, for want of disk", file=sys.stderr)
                continue
            log = Path(scratch) / "log"
            generate(log, events)
            print(f"  {events:,} events are written", flush=True)
            for _ in range(rounds if events < 10**6 else 1):
                for work in TOLD:
                    took, most = in_child("benchmarks.growth.logs", work, log, events)
                    times[work].setdefault(events, []).append(took)
                    peaks[work].setdefault(events, []).append(most)
                    floors[work].setdefault(events, []).append(_floor(work, log))
    units = {"append": ("us", 1e6 / APPENDED), "verify": ("s", 1.0), "who": ("s", 1.0)}
    for work, what in TOLD.items():
        unit, scale = units[work]
        for name, found in ((what, times[work]), (f"  {what}: floor", floors[work])):
            scaled = {events: [each * scale for each in took] for events, took in found.items()}
            yield curve(name, X, unit, scaled, aim="flat" if work == "append" else "linear")
        ratios = {
            events: [ours / bare for bare, ours in zip(floors[work][events], took, strict=True)]
            for events, took in times[work].items()
        }
        yield curve(f"{what}: ratio", X, "x floor", ratios, aim="flat")
        yield curve(f"{what}: memory at most", X, "MB", peaks[work], aim="flat")


def _floor(work: str, log: Path) -> float:
    """Seconds of what no library can do without."""
    floors: dict[str, Callable[[Path], object]] = {
        "append": bare_append,
        "verify": verifying.floor,
        "who": asking.floor,
    }
    return seconds(lambda: floors[work](log))


def append(log: Path) -> None:
    """Writes events into a log that is there; they are all in it afterwards."""
    with AccessLog.open(log, fsync="never") as opened:
        for _ in range(APPENDED):
            opened.append("intent", SAID)


def bare_append(log: Path) -> None:
    """What that costs with nothing around it: hashed and written, each in its fewest calls."""
    file = os.open(log.parent / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    before = b"0" * 64
    for _ in range(APPENDED):
        line = SAID + before
        before = hashlib.sha256(line).hexdigest().encode()
        os.write(file, line + before)
    os.close(file)


def verify(log: Path, events: int) -> None:
    """Everything is proved, and nothing is missing."""
    found = verify_directory(log, workers=1)
    if not found.ok or found.events < events:
        raise SystemExit("the log could not be proved, or events are missing.")


def ask(log: Path) -> None:
    """One of 20,000 people, and not those whom no line of it names."""
    one = person(7)
    found: list[int] = []
    tell(lambda: found.append(len(who(Journal(log), one).uses)))
    named = any(one.encode() in line for path in log.glob("*.jsonl") for line in path.open("rb"))
    if bool(found[0]) is not named:
        raise SystemExit("the answer and the lines of the log do not agree.")


def main() -> None:
    work, path, events = sys.argv[1:]
    log = Path(path)
    if work == "append":
        tell(lambda: append(log))
    elif work == "verify":
        tell(lambda: verify(log, int(events)))
    else:
        ask(log)


if __name__ == "__main__":
    main()
