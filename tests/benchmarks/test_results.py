"""What benchmarks found is kept as it was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.report import report, report_curves, row
from benchmarks.results import Results, curve, slope


def test_slopes() -> None:
    sizes = [10.0, 100.0, 1000.0, 10_000.0]
    assert slope([(x, 3.0) for x in sizes]) == pytest.approx(0)
    assert slope([(x, 0.5 * x) for x in sizes]) == pytest.approx(1)
    assert slope([(x, x * x) for x in sizes]) == pytest.approx(2)
    assert slope([(10, 1), (100, 0)]) is None


def test_a_file_says_what_was_measured_and_on_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grown = curve("a list", "rows", "us", {100: [2.0, 2.2, 2.1], 10: [1.0]}, aim="flat")
    path = Results("it", "It", "python -m it", [row("a list", "x plain", 1.5, [1.0, 2.0, 4.0])], [grown]).write(
        tmp_path
    )
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["lines"][0]["median"] == 2.0
    assert [point[:2] for point in found["curves"][0]["points"]] == [[10, 1.0], [100, 2.1]]
    assert found["curves"][0]["slope"] == pytest.approx(0.322, abs=0.001)
    assert found["machine"]["cores"] >= 1
    report_curves(found["curves"])
    assert "1 at 10" in capsys.readouterr().out


def test_the_terminal_names_a_bar_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a workload whose name is longer than most of them are"
    assert report([{**row(name, "x plain", -0.85, [0.84, 0.848, 0.85])}])
    said = capsys.readouterr()
    assert ">= 0.85" in said.out
    assert said.err == f"bars missed: {name}\n"
