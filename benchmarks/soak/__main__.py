"""Soaks: ``python -m benchmarks.soak --minutes 20``. Ends with 1 where anything is wrong, or memory grows."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.report import report
from benchmarks.results import Results
from benchmarks.soak.crew import Member
from benchmarks.soak.judge import LASTING, recoveries
from benchmarks.soak.soaking import Soaked, soaking
from benchmarks.soak.watching import growth

_WARM: Final = 0.5
"""Of the time: until then caches fill, and actors get as many customers as they will have. What memory did is told apart."""
_TOLD: Final = (*LASTING, "office", "shipper", "plain")
"""Of which processes memory is told."""
_GROWTH: Final = 30.0
"""MB an hour that a process may grow by: less than what its memory moves up and down in the soak."""
_HANDLES: Final = 60.0
"""Open files or threads an hour."""
_BACK: Final = 15.0
"""Seconds after a fault until each process works again."""


def main() -> None:
    """Runs one."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    options.add_argument("--minutes", type=float, default=20)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options.add_argument("--keep", type=Path, help="a directory for keys, logs and journals, which stays")
    options.add_argument("--save", action="store_true", help="keep the figures in benchmarks/results")
    said = options.parse_args()
    print(f"Seed {said.seed}.", flush=True)
    with soaking(said.seed, said.keep) as soak:
        found = soak.run(60 * said.minutes, say=lambda text: print(text, flush=True))
    for judgement in found.judgements:
        print(judgement)
    lines, curves = _lines(found), _curves(found)
    missed = report(lines)
    if said.save:
        command = f"python -m benchmarks.soak --minutes {said.minutes:g}"
        Results("soak", f"{said.minutes:g} minutes of mixed load with faults", command, lines, curves).write()
    sys.exit(bool(found.faults) or missed)


def _lines(found: Soaked) -> list[dict[str, Any]]:
    operations = found.told.operations.values()
    lines = [
        _line("things that are wrong", "things", len(found.faults), bar=0.5),
        _line("operations", "in all", len(operations)),
        _line("statements with personal columns", "in all", sum(one.ran for one in operations)),
        _line("personal rows read and compared", "in all", sum(one.rows for one in operations)),
        _line("operations that failed by a fault", "in all", sum(one.end == "failed" for one in operations)),
        _line("operations whose end nobody learnt", "in all", sum(one.end in {"unknown", None} for one in operations)),
        _line("steps of key rotations", "in all", found.rotation.steps),
        _line("everything sealed anew", "times", found.rotation.resealed),
    ]
    for kind, seconds in sorted(recoveries(found.told).items()):
        number = sum(fault.kind == kind for fault in found.told.faults)
        lines.append(_line(f"works again: {kind} ({number} times)", "s", *sorted(seconds), bar=_BACK, worst=True))
    for member in found.told.members:
        if member.label in _TOLD:
            lines += _growths(member, _WARM * found.seconds)
    return lines


def _growths(member: Member, warm: float) -> Iterator[dict[str, Any]]:
    """What a process takes more of; by how much its memory grew until it was warm, too. The peer has no bars."""
    early = [sample.memory for sample in member.samples if sample.at <= warm]
    late = [sample for sample in member.samples if sample.at > warm]
    if len(early) < 10 or len(late) < 10:
        return
    peer = member.label == "plain"
    name = " memory of plain SQLAlchemy" if peer else f"memory of {member.label}"
    yield _line(f"{name} grows", "MB/hour", growth([(at.at, at.memory) for at in late]), bar=None if peer else _GROWTH)
    yield _line(f"{name} grew before", "MB", statistics.median(early[-10:]) - statistics.median(early[:10]))
    if not peer:
        files, threads = [(at.at, float(at.files)) for at in late], [(at.at, float(at.threads)) for at in late]
        yield _line(f"open files of {member.label} grows", "an hour", growth(files), bar=_HANDLES)
        yield _line(f"threads of {member.label} grows", "an hour", growth(threads), bar=_HANDLES)


def _line(what: str, unit: str, *values: float, bar: float | None = None, worst: bool = False) -> dict[str, Any]:
    """One line; `worst`: it is the greatest value that the bar is for."""
    middle = max(values) if worst else statistics.median(values)
    return {"what": what, "unit": unit, "bar": bar, "median": middle, "low": min(values), "high": max(values)}


def _curves(found: Soaked) -> list[dict[str, Any]]:
    """Memory by minute. No slope of logarithms: what may be called flat is in the lines."""
    curves = []
    for member in found.told.members:
        if member.label not in _TOLD:
            continue
        minutes: dict[int, list[float]] = {}
        for sample in member.samples:
            minutes.setdefault(int(sample.at // 60) + 1, []).append(sample.memory)
        points = [[minute, statistics.median(mb), min(mb), max(mb)] for minute, mb in sorted(minutes.items())]
        what = f"resident memory of {'plain SQLAlchemy' if member.label == 'plain' else member.label}"
        curves.append({"what": what, "x": "minutes", "unit": "MB", "aim": "flat", "slope": None, "points": points})
    return curves


if __name__ == "__main__":
    main()
