"""Draws what benchmarks have found, as pictures for the documentation. Needs the extra ``bench``.

    python -m benchmarks.plots        # benchmarks/results/*.json -> docs/assets/performance/*.svg

A bar is the median, its whisker the middle half of the rounds, and a mark what was aimed at. A curve against what grows has
logarithmic axes, and in its label the exponent that fits: 0 is flat, 1 linear. The same results give the same picture, and each
picture names the digest of its results (``benchmarks/pictures.py``).
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from benchmarks.pictures import PICTURES, digest, pictures
from benchmarks.tables import number

# Okabe and Ito's colours: apart from each other for colour-blind people, too.
OURS, PEER, AIM, INK = "#0072B2", "#B8B8B8", "#D55E00", "#23324A"
PEERS = ("#D55E00", "#E69F00", "#7A7A7A")
CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A7A7A", "#000000")
MARKS = "os^Dv<>P"
SAID = "blue: the library · grey: plain SQLAlchemy, a floor or a peer · thin line: the middle half · orange: the aim"
WORDS = {"us": "microseconds", "ms": "milliseconds", "s": "seconds", "1/s": "a second", "x": "times"}
TIME = "minutes"
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8A94A6",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "sa-privacy",
}
_ROW, _WIDE = 0.3, 8.4  # inches

Lines = list[dict[str, Any]]


def draw(found: dict[str, Any], path: Path, said: str) -> None:
    """The picture of what one benchmark has found.

    :param said: the digest that the picture is to name.
    """
    with mpl.rc_context(_STYLE):
        lines = found.get("lines")
        figure = _curves(found["curves"]) if not lines else _sides(lines) if "side" in lines[0] else _bars(lines)
        figure.suptitle(found["title"], fontsize=12, fontweight="bold", color=INK)
        figure.savefig(path, format="svg", metadata={"Date": None, "Description": said}, bbox_inches="tight")


def _bars(lines: Lines) -> Figure:
    units = list(dict.fromkeys(line["unit"] for line in lines))
    panels = [(unit, [line for line in lines if line["unit"] == unit]) for unit in units]
    heights = [len(some) + 1.5 for _, some in panels]
    figure = Figure(figsize=(_WIDE, _ROW * sum(heights) + 0.6), layout="constrained")
    axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
    for one, (unit, some) in zip(axes, panels, strict=True):
        _panel(one, unit, some)
    figure.supxlabel(SAID, fontsize=8.5, color=INK)
    return figure


def _panel(axes: Axes, unit: str, lines: Lines) -> None:
    most = max(max(line["high"], abs(line["bar"] or 0)) for line in lines) or 1
    for at, line in enumerate(lines):
        peer = line["what"].startswith(" ")
        middle = line["median"]
        axes.barh(at, max(middle, 0), height=0.62, color=PEER if peer else OURS)
        axes.plot(
            [max(line["low"], 0), max(line["high"], 0)], [at, at], color=INK, linewidth=1.4, solid_capstyle="butt"
        )
        if line["bar"]:
            axes.plot([abs(line["bar"])] * 2, [at - 0.42, at + 0.42], color=AIM, linewidth=2.4)
        end = max(line["high"], middle, abs(line["bar"] or 0), 0)
        aim = f"  ({'at most' if line['bar'] > 0 else 'at least'} {abs(line['bar']):g})" if line["bar"] else ""
        axes.text(end + most * 0.012, at, f"{number(middle)}{aim}", va="center", fontsize=9)
    axes.set_yticks(range(len(lines)), [line["what"].strip() for line in lines])
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.22)
    axes.set_xlabel(_words(unit))
    axes.xaxis.set_major_formatter(_plainly)
    axes.tick_params(axis="y", length=0)


def _sides(lines: Lines) -> Figure:
    """What is measured of several sides at each of many things."""
    return _matrix(lines) if any(line["unit"] == "x plain" for line in lines) else _panels(lines)


def _panels(lines: Lines) -> Figure:
    """A row for each operation, side by side a panel for each unit: grey is plain SQLAlchemy."""
    lines = [line for line in lines if line["unit"] != "%"]
    operations = list(dict.fromkeys(line["operation"] for line in lines))
    units = list(dict.fromkeys(line["unit"] for line in lines))
    figure = Figure(figsize=(_WIDE + 2.4, 0.4 * len(operations) + 1.2), layout="constrained")
    for one, unit in zip(figure.subplots(1, len(units), sharey=True, squeeze=False)[0], units, strict=True):
        some = [line for line in lines if line["unit"] == unit]
        sides = list(dict.fromkeys(line["side"] for line in some))
        thick = 0.7 / len(sides)
        for line in some:
            at = operations.index(line["operation"]) + thick * (sides.index(line["side"]) - (len(sides) - 1) / 2)
            one.barh(at, line["median"], height=thick, color=PEER if line["what"].startswith(" ") else OURS)
            if line["low"] != line["high"]:
                one.plot([line["low"], line["high"]], [at, at], color=INK, linewidth=1.4, solid_capstyle="butt")
            if line["bar"]:
                one.plot([abs(line["bar"])] * 2, [at - 0.42, at + 0.42], color=AIM, linewidth=2.4)
        one.set_xlabel(_words(unit))
        one.set_xlim(left=0)
        one.grid(visible=True, axis="x", color="#E3E7EE", linewidth=0.8)
        one.set_axisbelow(True)
        one.set_yticks(range(len(operations)), operations)
        one.set_ylim(len(operations) - 0.4, -0.6)
        one.tick_params(axis="y", length=0)
    figure.supxlabel(SAID, fontsize=8.5, color=INK)
    return figure


def _matrix(lines: Lines) -> Figure:
    """A row for each operation, a point for each side: how many times as long as plain SQLAlchemy it takes."""
    ratios = [line for line in lines if line["unit"] == "x plain"]
    operations = list(dict.fromkeys(line["operation"] for line in ratios))
    sides = list(dict.fromkeys((line["side"], line["what"].startswith(" ")) for line in ratios))
    figure = Figure(figsize=(_WIDE, 0.62 * len(operations) + 1.4), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1, color=INK, linewidth=1)
    for at, (side, peer) in enumerate(sides):
        some = [line for line in ratios if line["side"] == side]
        ys = [operations.index(line["operation"]) + 0.7 * (at / (len(sides) - 1) - 0.5) for line in some]
        own = sum(not is_peer for _, is_peer in sides)
        color = PEERS[at - own] if peer else mpl.colormaps["Blues"](0.35 + 0.65 * at / max(own - 1, 1))
        axes.hlines(ys, [line["low"] for line in some], [line["high"] for line in some], color=color, linewidth=1.4)
        axes.plot([line["median"] for line in some], ys, "D" if peer else "o", color=color, markersize=5.5, label=side)
    for at in range(1, len(operations)):
        axes.axhline(at - 0.5, color="#E3E7EE", linewidth=0.8)
    axes.set_yticks(range(len(operations)), operations)
    axes.set_ylim(len(operations) - 0.5, -0.5)
    axes.set_xscale("log")
    ticks = [tick for tick in (0.5, 1, 1.5, 2, 3, 5, 10, 20, 50) if tick <= 1.1 * max(line["high"] for line in ratios)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlim(left=min(0.8, 0.95 * min(line["median"] for line in ratios)))
    axes.set_xlabel("times as long as plain SQLAlchemy (the line; logarithmic)")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    return figure


def _curves(curves: Lines) -> Figure:
    def axes_of(one: dict[str, Any]) -> tuple[str, str]:
        return one["x"], one["unit"]

    panels = [(of, list(some)) for of, some in groupby(sorted(curves, key=axes_of), key=axes_of)]
    heights = [max(2.8, 0.42 * len(some) + 0.8) for _, some in panels]
    figure = Figure(figsize=(_WIDE, sum(heights) + 0.5), layout="constrained")
    subplots = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
    for axes, ((x, unit), some) in zip(subplots, panels, strict=True):
        for at, one in enumerate(some):
            _curve(axes, one, CURVES[at % len(CURVES)], MARKS[at % len(MARKS)])
        (_over_time if x == TIME else _over_sizes)(axes, some)
        axes.set_xlabel(x)
        axes.set_ylabel(_words(unit))
        axes.yaxis.set_major_formatter(_plainly)
        axes.grid(visible=True, which="major", color="#E3E7EE", linewidth=0.8)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
    return figure


def _over_time(axes: Axes, curves: Lines) -> None:
    """Minutes pass evenly, and the figure is seen against nothing."""
    axes.set_ylim(0, 1.1 * max(point[3] for one in curves for point in one["points"]))
    axes.set_xlim(left=0)


def _over_sizes(axes: Axes, curves: Lines) -> None:
    """Both axes are logarithmic; what hardly changes looks flat."""
    points = [point for one in curves for point in one["points"]]
    sizes, seen = (
        sorted({point[0] for point in points}),
        [value for point in points for value in point[1:] if value > 0],
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,g}" for size in sizes])
    axes.set_xticks([], minor=True)
    least, most = (min(seen) / 1.5, max(seen) * 1.5) if seen else (0.1, 1.0)
    axes.set_ylim(least, most)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if most / least > 1000 else (1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_locator(NullLocator())


def _curve(axes: Axes, one: dict[str, Any], color: str, mark: str) -> None:
    """One curve, and how it grows; what it is compared with is dashed and grey."""
    xs, middles, lows, highs = zip(*one["points"], strict=True)
    fitted = "" if one["slope"] is None else f"\ngrows as n^{round(one['slope'], 2) + 0:.2f}"  # + 0: never -0
    fitted += f" (aim: {one['aim']})" if one["aim"] and fitted else ""
    peer = one["what"].startswith(" ")
    color, line = (PEERS[-1], "--") if peer else (color, "-")
    name = one["what"].strip() + fitted
    axes.plot(xs, middles, line, color=color, marker=mark, markersize=4.5, linewidth=1.6, label=name)
    axes.fill_between(xs, lows, highs, color=color, alpha=0.18, linewidth=0)


def _plainly(value: float, _: object) -> str:
    """The label of a tick: never a power of ten."""
    return f"{value:,.10g}"


def _words(unit: str) -> str:
    """A unit as one says it."""
    short, _, rest = unit.partition(" ")
    return f"{WORDS.get(short, short)} {rest}".strip()


def main() -> int:
    """Draws all results that there are."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for picture, path in pictures().items():
        found = json.loads(path.read_text(encoding="utf-8"))
        if picture.stem != path.stem:  # where there are lines as well, curves have a picture of their own
            found["lines"] = []
        draw(found, picture, digest(path))
        print(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
