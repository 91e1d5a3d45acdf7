"""The pictures of figures are drawn from the results that stand beside them, and each says of which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.pictures import PICTURES, digest, pictures


@pytest.mark.parametrize("picture", sorted(pictures()), ids=lambda path: path.stem)
def test_a_picture_is_of_its_results(picture: Path) -> None:
    """Draw them anew where it is not: ``python -m benchmarks.plots``, with the extra ``bench``."""
    assert digest(pictures()[picture]) in picture.read_text(encoding="utf-8")


def test_there_is_no_picture_without_results() -> None:
    assert sorted(PICTURES.glob("*.svg")) == sorted(pictures())


def test_a_digest_is_of_the_figures(tmp_path: Path) -> None:
    path, found = (
        tmp_path / "a.json",
        {"title": "A", "lines": [{"what": "one", "median": 1.0}], "curves": [], "on": "2026"},
    )

    def said() -> str:
        path.write_text(json.dumps(found))
        return digest(path)

    before = said()
    assert said() == before
    found["on"] = "2027"
    assert said() == before  # the day is not drawn
    found["lines"] = [{"what": "one", "median": 2.0}]
    assert said() != before
