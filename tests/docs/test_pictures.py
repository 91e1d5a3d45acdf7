"""The pictures of figures are drawn from the results that stand beside them, and from nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.plots import PICTURES, RESULTS, drawn

LINES: list[dict[str, Any]] = [
    {"what": "a <list>", "unit": "x plain", "bar": 1.5, "median": 2.0, "low": 1.9, "high": 2.2},
    {"what": "  bare", "unit": "x plain", "bar": None, "median": 1.2, "low": 1.1, "high": 1.3},
]


@pytest.mark.parametrize("name", sorted(path.stem for path in RESULTS.glob("*.json")))
def test_a_picture_is_of_its_results(name: str) -> None:
    lines = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    assert (PICTURES / f"{name}.svg").read_text(encoding="utf-8") == drawn(lines, f"Benchmark {name}")


def test_every_line_has_its_bar_and_its_figure() -> None:
    picture = drawn(LINES, "A & B")
    assert picture.count('<rect class="ours"') == 2  # one of them in the legend
    assert picture.count('<rect class="floor"') == 2
    assert ">2.00<" in picture
    assert ">1.20<" in picture
    assert "a &lt;list&gt;" in picture
    assert "<title>A &amp; B</title>" in picture
