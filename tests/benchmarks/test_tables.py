"""The pages that tell figures tell those of the results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tables import PAGES, filled, number


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_tells_the_figures_of_the_results(page: Path) -> None:
    """Fill them in anew where it does not: ``python -m benchmarks.tables``."""
    text = page.read_text(encoding="utf-8")
    assert filled(text, beside=page.parent) == text


def test_tables(tmp_path: Path) -> None:
    lines = [
        {"what": "ours", "unit": "x plain", "bar": 1.5, "median": 1.6, "low": 1.2, "high": 2.0},
        {"what": "  bare", "unit": "x plain", "bar": None, "median": 1.4, "low": 1.1, "high": 1.5},
        {"what": "peer", "unit": "x ours", "bar": -8.0, "median": 9.0, "low": 8.5, "high": 9.5},
    ]
    (tmp_path / "one.json").write_text(json.dumps({"title": "One", "lines": lines, "curves": []}))
    (tmp_path / "calls.json").write_text(json.dumps({"title": "Calls", "calls": {"get": 1234}}))
    places = (
        "before\n<!-- results: one -->\nold\n<!-- end -->\nbetween\n<!-- results: the rest -->\n<!-- end -->\nafter\n"
    )
    page = filled(places, beside=tmp_path, results=tmp_path)
    assert "| ours | 1.60 x plain | 1.20 to 2.00 | at most 1.5: **missed** |" in page
    assert "| *bare* | 1.40 x plain | 1.10 to 1.50 |  |" in page
    assert "| peer | 9.00 x ours | 8.50 to 9.50 | at least 8 |" in page
    assert "### Calls\n\n| operation | calls |\n| --- | --- |\n| get | 1,234 |" in page
    assert "old" not in page
    assert filled(page, beside=tmp_path, results=tmp_path) == page
    with pytest.raises(FileNotFoundError):
        filled("<!-- results: none -->\n<!-- end -->", beside=tmp_path, results=tmp_path)


def test_figures_have_three_digits_that_count_or_four() -> None:
    """A ratio of 0.848 is no 0.85, where that was aimed at."""
    assert [number(one) for one in (0, 0.848, 1.5, 43.81, 805.2, 1985.0, 885_900)] == [
        "0",
        "0.848",
        "1.50",
        "43.81",
        "805.2",
        "1,985",
        "885,900",
    ]


def test_sides_of_many_operations_are_a_matrix(tmp_path: Path) -> None:
    def line(side: str, unit: str, value: float, bar: float | None = None) -> dict[str, Any]:
        figures: dict[str, Any] = {"median": value, "low": value, "high": value}
        return figures | {"what": f"one: {side}", "operation": "one", "side": side, "unit": unit, "bar": bar}

    lines = [line("speed", "x plain", 0.848, -0.85), line("time", "s", 2.0), line("space", "bytes", 7.0)]
    (tmp_path / "one.json").write_text(json.dumps({"title": "One", "lines": lines, "curves": []}))
    page = filled("<!-- results: one -->\n<!-- end -->\n", beside=tmp_path, results=tmp_path)
    assert "|  | speed | time | space |\n| --- | --- | --- | --- |\n| one | 0.848 | 2.00 s | 7.00 |" in page
    assert "| one: speed | 0.848 x plain |  | at least 0.85: **missed** |" in page
