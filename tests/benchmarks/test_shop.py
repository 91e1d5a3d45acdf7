"""What people ask of the shop, at a tiny size: each answer is whole."""

from __future__ import annotations

import pytest

from benchmarks.gdprbench.places import sqlite
from benchmarks.shop.__main__ import ASKED, curves
from benchmarks.shop.asked import Incomplete, Shop


def test_every_question_is_answered_in_full() -> None:
    with sqlite() as places:
        found = curves(places, {1: 1, 12: 1})
    assert len(found) == len(ASKED)
    assert {x for one in found for x, *_ in one["points"]} == {1, 12}


def test_an_answer_that_lacks_a_row_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Shop._rows
    monkeypatch.setattr(Shop, "_rows", lambda shop, person, *tables: asked(shop, person, *tables[:-1]))
    with sqlite() as places, pytest.raises(Incomplete, match="the rows of a breach"):
        curves(places, {12: 1})
