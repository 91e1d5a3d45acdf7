"""What is measured once: the value, the bar, and the floor under it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

__all__ = ["Bar", "best", "lines_of", "seconds"]


class Bar(NamedTuple):
    """A figure.

    :ivar bar: what it may be at most, or has to be at least; None: it has none.
    :ivar least: the bar is a least.
    :ivar floor: what cannot be gone below, or above, in Python with these libraries; None: it was not measured.
    """

    what: str
    value: float
    unit: str
    bar: float | None = None
    least: bool = False
    floor: float | None = None

    def lines(self) -> Iterator[dict[str, Any]]:
        """As results keep it: a line, and its floor as another."""
        bar = None if self.bar is None else -self.bar if self.least else self.bar
        for what, value, aim in ((self.what, self.value, bar), (f"  {self.what}: floor", self.floor, None)):
            if value is not None:
                yield {"what": what, "unit": self.unit, "bar": aim, "median": value, "low": value, "high": value}


def lines_of(bars: Iterable[Bar]) -> list[dict[str, Any]]:
    """All lines, for results and report; says on stderr what is done, as figures come."""
    found: list[dict[str, Any]] = []
    for one in bars:
        print(f"  {one.what}", file=sys.stderr, flush=True)
        found += one.lines()
    return found


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    begin = perf_counter()
    work()
    return perf_counter() - begin


def best(work: Callable[[], object], times: int = 3) -> float:
    """The seconds of the quickest of several runs."""
    return min(seconds(work) for _ in range(times))
