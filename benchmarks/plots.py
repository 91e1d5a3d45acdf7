"""Draws the results that benchmarks have written, as pictures for the documentation.

    python -m benchmarks.overhead --json benchmarks/results/overhead.json
    python -m benchmarks.plots                  # benchmarks/results/*.json -> docs/assets/performance/*.svg

A bar is the median, its whisker the middle half of the rounds, and a mark what was aimed at. Lines with the same unit share an axis.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PICTURES = Path(__file__).parents[1] / "docs" / "assets" / "performance"
_LEFT, _WIDE, _HIGH, _GAP = 330, 430, 34, 58
_STYLE = """
text { font: 13px "Noto Sans", "Segoe UI", Helvetica, Arial, sans-serif; fill: #23324a; }
.unit { font-weight: 600; } .value { font-variant-numeric: tabular-nums; font-weight: 600; } .small { font-size: 11px; fill: #5b6b84; }
.ours { fill: #2f5d8a; } .floor { fill: #a9b4c4; } .spread { stroke: #17223a; stroke-width: 1.5; } .aim { stroke: #b3261e; stroke-width: 2.5; }
.axis { stroke: #d5dae2; }
""".strip()


def drawn(lines: list[dict[str, Any]], title: str) -> str:
    """The picture of what one benchmark has found.

    :param lines: each with ``what``, ``unit``, ``median``, ``low``, ``high``, and ``bar``: what was aimed at, or None. A line whose
        name begins with a blank is no measurement of the library, but a floor to compare with.
    """
    panels = [(unit, list(some)) for unit, some in groupby(sorted(lines, key=_unit), key=_unit)]
    body = "\n".join(piece for at, panel in enumerate(panels) for piece in _panel(*panel, top=_top(panels, at)))
    high, wide = _top(panels, len(panels)) + 26, _LEFT + _WIDE + 90
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n"
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>\n{body}\n'
        f'<g transform="translate({_LEFT} {high - 14})">{_LEGEND}</g>\n</svg>\n'
    )


def _unit(line: dict[str, Any]) -> str:
    return str(line["unit"])


def _top(panels: list[tuple[str, list[dict[str, Any]]]], at: int) -> int:
    return 20 + sum(_GAP + _HIGH * len(lines) for _, lines in panels[:at])


_LEGEND = (
    '<rect class="ours" width="16" height="9" y="-8"/><text class="small" x="22">the library</text>'
    '<rect class="floor" x="110" width="16" height="9" y="-8"/><text class="small" x="132">a floor to compare with</text>'
    '<path class="aim" d="M288 -10v12"/><text class="small" x="296">aim</text>'
    '<path class="spread" d="M340 -4h18"/><text class="small" x="364">middle half</text>'
)


def _panel(unit: str, lines: list[dict[str, Any]], *, top: int) -> Iterator[str]:
    most = max(max(line["high"], line["bar"] or 0) for line in lines) * 1.02
    yield f'<text class="unit" x="{_LEFT}" y="{top + 8}">{escape(unit)}</text>'
    yield f'<path class="axis" d="M{_LEFT} {top + 18}v{_HIGH * len(lines) + 4}"/>'
    for at, line in enumerate(lines):
        middle = top + 38 + at * _HIGH

        def x(value: float) -> str:
            return f"{_LEFT + _WIDE * max(value, 0) / most:.1f}"

        floor = line["what"].startswith(" ")
        width = float(x(line["median"])) - _LEFT
        yield f'<text x="{_LEFT - 12}" y="{middle + 4}" text-anchor="end">{escape(line["what"].strip())}</text>'
        yield f'<rect class="{"floor" if floor else "ours"}" x="{_LEFT}" y="{middle - 9}" width="{width:.1f}" height="18"/>'
        yield f'<path class="spread" d="M{x(line["low"])} {middle}H{x(line["high"])}"/>'
        if line["bar"]:
            yield f'<path class="aim" d="M{x(line["bar"])} {middle - 13}v26"/>'
        end = max(float(x(line["high"])), float(x(line["bar"] or 0)), float(x(line["median"])))
        yield f'<text class="value" x="{end + 8:.1f}" y="{middle + 4}">{line["median"]:.2f}</text>'


def main() -> int:
    """Draws all results that there are."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in sorted(RESULTS.glob("*.json")):
        picture = PICTURES / f"{path.stem}.svg"
        picture.write_text(
            drawn(json.loads(path.read_text(encoding="utf-8")), f"Benchmark {path.stem}"), encoding="utf-8"
        )
        print(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
