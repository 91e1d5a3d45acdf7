"""What was measured, as lines: printed as a table, kept as JSON, drawn by ``benchmarks.plots``."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.timing import spread

__all__ = ["report", "report_curves", "row"]


def row(name: str, unit: str, bar: float | None, values: list[float]) -> dict[str, Any]:
    """One line of the table."""
    low, middle, high = spread(values)
    return {"what": name, "unit": unit, "bar": bar, "median": middle, "low": low, "high": high}


def report(found: list[dict[str, Any]]) -> bool:
    """Prints the lines as a table. A bar is what a figure may be at most; at least, where it is negative.

    :returns: whether a bar is missed.
    """
    width = max(44, *(len(line["what"]) for line in found))
    print(f"{'':{width}} {'median':>8} {'middle half':>17}  {'unit':8} {'bar':>8}")
    for line in found:
        bar = "-" if line["bar"] is None else f"{'<=' if line['bar'] > 0 else '>='} {abs(line['bar']):g}"
        middle_half = "" if line["low"] == line["high"] else f"{line['low']:.2f} to {line['high']:.2f}"
        print(f"{line['what']:{width}} {line['median']:8.2f} {middle_half:>17}  {line['unit']:8} {bar:>8}")
    missed = [
        line["what"]
        for line in found
        if line["bar"] is not None
        and (line["median"] > line["bar"] if line["bar"] > 0 else line["median"] < -line["bar"])
    ]
    if missed:
        print("bars missed: " + "; ".join(missed), file=sys.stderr)
    return bool(missed)


def report_curves(found: list[dict[str, Any]]) -> None:
    """Prints curves as a table: the figure at the smallest and the greatest size, and the slope between."""
    width = max((len(one["what"]) for one in found), default=0)
    print(f"{'':{width}} {'from':>18} {'to':>22}  {'unit':10} {'slope':>6}  aim")
    for one in found:
        (small, first, *_), (great, last, *_) = one["points"][0], one["points"][-1]
        ends = f"{first:,.3g} at {small:,g}", f"{last:,.3g} at {great:,g}"
        fitted = "-" if one["slope"] is None else f"{one['slope']:.2f}"
        print(f"{one['what']:{width}} {ends[0]:>18} {ends[1]:>22}  {one['unit']:10} {fitted:>6}  {one['aim'] or ''}")
