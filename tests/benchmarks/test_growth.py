"""The benchmarks of growth run, at their smallest sizes, and their answers are right. No time is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.growth import columns, kept, logs, roles, rows, statements, together
from benchmarks.growth.world import right

MEASURED: dict[str, Any] = {
    "statements": lambda: statements.measure((2, 5), 1),
    "columns": lambda: columns.measure((10, 20), 1),
    "roles": lambda: roles.measure((1, 3), 1),
    "logs": lambda: logs.measure((400, 1000), 1),
    "rows": lambda: rows.measure((20, 40), 1),
    "together": lambda: together.measure((1, 2), (1, 3), 1, 6),
    "kept": lambda: kept.measure((2, 4, 6, 8), 1),
}


@pytest.mark.parametrize("axis", MEASURED)
def test_every_curve_has_a_point_for_each_size(axis: str) -> None:
    found: Iterator[dict[str, Any]] = MEASURED[axis]()
    for one in found:
        if "points" in one:
            sizes = [point[0] for point in one["points"]]
            assert len(sizes) >= 2, one["what"]
            assert sizes == sorted(set(sizes)), one["what"]
            assert all(median > 0 for _, median, *_ in one["points"]), one["what"]
        else:
            assert one["what"].strip().startswith(("kept of", "first sight")), one["what"]


def test_a_wrong_answer_ends_the_run() -> None:
    with pytest.raises(RuntimeError, match="wrong answer"):
        right(1, 2)
