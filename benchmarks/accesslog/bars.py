"""One table for all that is measured: the value, the bar, and the floor under it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

__all__ = ["Bar", "best", "missed", "seconds", "show"]


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

    @property
    def met(self) -> bool:
        """Whether the bar is met; what has none is."""
        return self.bar is None or (self.value >= self.bar if self.least else self.value <= self.bar)

    def lines(self) -> Iterator[dict[str, Any]]:
        """As results keep it: a line, and its floor as another."""
        bar = None if self.bar is None else -self.bar if self.least else self.bar
        for what, value, aim in ((self.what, self.value, bar), (f"  {self.what}: floor", self.floor, None)):
            if value is not None:
                yield {"what": what, "unit": self.unit, "bar": aim, "median": value, "low": value, "high": value}


def show(bars: Iterable[Bar]) -> list[Bar]:
    """Prints the table, line by line as figures come; returns them."""
    print(f"{'':52} {'measured':>10} {'bar':>12} {'floor':>10}  unit")
    found = []
    for one in bars:
        bar = "" if one.bar is None else f"{'>=' if one.least else '<='} {_number(one.bar)}"
        floor = "" if one.floor is None else _number(one.floor)
        missing = "" if one.met else "  MISSED"
        print(f"{one.what:52} {_number(one.value):>10} {bar:>12} {floor:>10}  {one.unit}{missing}", flush=True)
        found.append(one)
    return found


def missed(bars: Iterable[Bar]) -> bool:
    """Whether a bar is; says which on stderr."""
    names = [one.what for one in bars if not one.met]
    if names:
        sys.stderr.write(f"bars missed: {'; '.join(names)}\n")
    return bool(names)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    begin = perf_counter()
    work()
    return perf_counter() - begin


def best(work: Callable[[], object], times: int = 3) -> float:
    """The seconds of the quickest of several runs."""
    return min(seconds(work) for _ in range(times))
