"""Fills the figures into the pages that tell them, so that no figure is typed by hand.

    python -m benchmarks.tables       # README.md, benchmarks/README.md and docs/performance.md, from benchmarks/results/*.json

A page says where: between ``<!-- results: NAME -->`` and ``<!-- end -->`` stands the table of one result, and between
``<!-- results: the rest -->`` and ``<!-- end -->`` all that the page does not name.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.pictures import pictures
from benchmarks.results import RESULTS

__all__ = ["PAGES", "filled", "number"]

_ROOT = Path(__file__).parents[1]
PAGES = (_ROOT / "README.md", _ROOT / "benchmarks" / "README.md", _ROOT / "docs" / "performance.md")
REST = "the rest"
_UNITS = {unit: f" {unit}" for unit in ("ms", "s", "%")}  # that a cell of a matrix names; of others its column does
_PLACE = re.compile(r"(<!-- results: (?P<name>[\w -]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, *, beside: Path, results: Path = RESULTS) -> str:
    """The page with the figures of today's results.

    :param beside: the folder of the page, from which its pictures are linked.
    :raises FileNotFoundError: it names results that are not there.
    """
    named = {found["name"] for found in _PLACE.finditer(page)}
    rest = sorted(path.stem for path in results.glob("*.json") if path.stem not in named)

    def at(place: re.Match[str]) -> str:
        if place["name"] != REST:
            text = _of(results / f"{place['name']}.json", beside)
        else:
            text = "\n\n".join(
                f"### {json.loads((results / f'{name}.json').read_text(encoding='utf-8'))['title']}\n\n"
                + _of(results / f"{name}.json", beside)
                for name in rest
            )
        return f"{place[1]}\n{text}\n\n{place[3]}"

    return _PLACE.sub(at, page)


def _of(path: Path, beside: Path) -> str:
    found = json.loads(path.read_text(encoding="utf-8"))
    parts = []
    if "machine" in found:
        machine = found["machine"]
        parts.append(
            f"`{found['command']}`, {found['on']}: {machine['cores']} cores, Python {machine['python']}, "
            f"SQLAlchemy {machine['sqlalchemy']}, cryptography {machine['cryptography']}."
        )
    lines, curves = found.get("lines", []), found.get("curves", [])
    if "calls" in found:
        parts.append(_table(["operation", "calls"], ([name, f"{count:,}"] for name, count in found["calls"].items())))
    elif lines:
        parts.append(_matrix(lines) if "side" in lines[0] else _lines(lines))
    if curves:
        parts.append(_curves(curves))
    drawn = [Path(os.path.relpath(picture, beside)) for picture, of in pictures().items() if of == path]
    parts += [f"![{found['title']}]({picture.as_posix()})" for picture in drawn]
    return "\n\n".join(parts)


def number(value: float) -> str:
    """A figure with three or four digits that count."""
    size = abs(value)
    return f"{value:,.{0 if size >= 1000 or not size else 1 if size >= 100 else 2 if size >= 1 else 3}f}"


def _table(head: list[str], rows: Any) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def _lines(lines: list[dict[str, Any]]) -> str:
    def cells() -> Iterator[list[str]]:
        for line in lines:
            what = f"*{line['what'].strip()}*" if line["what"].startswith(" ") else line["what"]
            middle = "" if line["low"] == line["high"] else f"{number(line['low'])} to {number(line['high'])}"
            yield [what, f"{number(line['median'])} {line['unit']}", middle, _aim(line["bar"], line["median"])]

    return _table(["what", "median", "middle half", "aim"], cells())


def _aim(bar: float | None, median: float) -> str:
    if bar is None:
        return ""
    met = median <= bar if bar > 0 else median >= -bar
    return f"{'at most' if bar > 0 else 'at least'} {abs(bar):g}" + ("" if met else ": **missed**")


def _matrix(lines: list[dict[str, Any]]) -> str:
    sides = list(dict.fromkeys(line["side"] for line in lines if line["side"]))
    medians = {(line["operation"], line["side"]): line for line in lines}

    def cells() -> Iterator[list[str]]:
        for operation in dict.fromkeys(line["operation"] for line in lines):
            found = (medians.get((operation, side)) for side in sides)
            yield [
                operation,
                *("refused" if one is None else number(one["median"]) + _UNITS.get(one["unit"], "") for one in found),
            ]

    aims = [line for line in lines if line["bar"] is not None]
    return _table(["", *sides], cells()) + ("\n\n" + _lines(aims) if aims else "")


def _curves(curves: list[dict[str, Any]]) -> str:
    def cells() -> Iterator[list[str]]:
        for one in curves:
            (small, first, *_), (great, last, *_) = one["points"][0], one["points"][-1]
            fitted = "" if one["slope"] is None else f"{one['slope']:.2f}"
            ends = [f"{number(y)} {one['unit']} at {x:,g}" for x, y in ((small, first), (great, last))]
            yield [one["what"], one["x"], *ends, fitted, one["aim"] or ""]

    return _table(["what", "against", "from", "to", "slope", "aim"], cells())


def main() -> int:
    """Fills all pages."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), beside=page.parent), encoding="utf-8")
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
