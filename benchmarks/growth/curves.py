"""Curves of both sides and of what lies between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from benchmarks.results import curve

__all__ = ["Sides", "compared"]

#: By size, then by side (``"plain"`` and ``"ours"``): what was measured there, in seconds.
Sides = Mapping[float, Mapping[str, Sequence[float]]]
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6}


def compared(
    what: str, x: str, unit: str, found: Sides, *, aim: Literal["flat", "linear"] = "flat"
) -> Iterator[dict[str, Any]]:
    """The times of ours and of plain, and the ratio, which should be flat whatever both of them do.

    :param unit: of the times.
    :param aim: of the times.
    """
    for side, name in (("ours", what), ("plain", f"  {what}: plain")):
        times = {size: [each * _UNITS[unit] for each in sides[side]] for size, sides in found.items()}
        yield curve(name, x, unit, times, aim=aim)
    ratios = {
        size: [ours / plain for plain, ours in zip(sides["plain"], sides["ours"], strict=True)]
        for size, sides in found.items()
    }
    yield curve(f"{what}: ratio", x, "x plain", ratios, aim="flat")
