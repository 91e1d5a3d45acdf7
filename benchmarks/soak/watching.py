"""Whether memory, open files and threads of a process stay as they are."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Sample", "growth", "sampled"]

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Sample(NamedTuple):
    """One look at a process: seconds since the start, resident memory in MB, open files, threads."""

    at: float
    memory: float
    files: int
    threads: int


def sampled(pid: int, at: float) -> Sample | None:
    """A look at a process, by way of Linux's /proc; None where it is gone."""
    process = Path("/proc", str(pid))
    try:
        pages = int((process / "statm").read_text().split()[1])
        return Sample(at, pages * _PAGE / 1e6, _number(process / "fd"), _number(process / "task"))
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return None


def _number(directory: Path) -> int:
    return sum(1 for _ in directory.iterdir())


def growth(points: Sequence[tuple[float, float]], steps: int = 60) -> float:
    """How much a figure grows in an hour: the median slope between any two of `steps` medians (Theil and Sen), which
    single peaks do not move.

    :param points: seconds and figure.
    """
    size = max(1, len(points) // steps)
    groups = [points[start : start + size] for start in range(0, len(points) - size + 1, size)]
    middles = [(statistics.median(x for x, _ in group), statistics.median(y for _, y in group)) for group in groups]
    slopes = [
        (y2 - y1) / (x2 - x1) for place, (x1, y1) in enumerate(middles) for x2, y2 in middles[place + 1 :] if x2 > x1
    ]
    return 3600 * statistics.median(slopes) if slopes else 0.0
