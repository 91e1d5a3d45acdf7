"""The pages that tell figures tell those of the results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.tables import PAGES, filled


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
