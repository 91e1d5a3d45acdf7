"""What a benchmark found, kept: lines and curves, with the machine they were measured on, in ``benchmarks/results/``."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from benchmarks.timing import spread

__all__ = ["RESULTS", "Results", "curve", "slope"]

RESULTS = Path(__file__).parent / "results"
_LIBRARIES = ("sa-privacy", "sqlalchemy", "cryptography", "psycopg", "asyncpg")


@dataclass
class Results:
    """What one benchmark found.

    :ivar name: names the file.
    :ivar title: what a picture of it says on top.
    :ivar command: what measures it again.
    :ivar lines: as :func:`benchmarks.report.row` makes them. A ``what`` that begins with a blank is no measurement of the
        library, but a floor or a peer to compare with.
    :ivar curves: as :func:`curve` makes them.
    """

    name: str
    title: str
    command: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)

    def write(self, folder: Path = RESULTS) -> Path:
        """Writes them into a file, in place of those that were there."""
        path = folder / f"{self.name}.json"
        found = {
            "title": self.title,
            "command": self.command,
            "on": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "lines": self.lines,
            "curves": self.curves,
        }
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def machine() -> dict[str, Any]:
    """What a figure depends on: processors and versions, and nothing that names the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }


def curve(
    what: str,
    x: str,
    unit: str,
    found: Mapping[float, Sequence[float]],
    *,
    aim: Literal["flat", "linear"] | None = None,
) -> dict[str, Any]:
    """How a figure grows.

    :param x: what grows, such as ``"rows"``.
    :param unit: of the figure.
    :param found: at each size, what was measured there.
    :param aim: the figure should not grow at all, or no faster than what grows.
    """
    points = [[size, *_spread(values)] for size, values in sorted(found.items())]
    fitted = slope([(size, middle) for size, middle, _, _ in points])
    return {"what": what, "x": x, "unit": unit, "aim": aim, "slope": fitted, "points": points}


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, lower and upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = spread(list(values))
    return middle, low, high


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """The exponent k of y ~ x**k that fits best: 0 is flat, 1 linear. Least squares of the logarithms.

    :returns: None where fewer than two sizes have a figure above 0.
    """
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    fitted: float = sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)
    return fitted
