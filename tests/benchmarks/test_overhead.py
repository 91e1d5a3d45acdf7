"""Each side of the overhead matrix answers rightly, whatever it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session

from benchmarks.overhead.configurations import CONFIGURATIONS, EVERYTHING, PLAIN, SEALING, WALL
from benchmarks.overhead.matrix import make_side, measure
from benchmarks.overhead.models import Models
from benchmarks.overhead.operations import OPERATIONS, POINT, TEXT
from benchmarks.overhead.peers import BY_HAND, SQLALCHEMY_UTILS
from tests.support.databases import Database
from tests.walls.owner import dropped


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize(("name", "is_async"), [(EVERYTHING, True), (WALL, False), (WALL, True), (BY_HAND, True)])
def test_every_operation_on_postgresql(name: str, is_async: bool, database: Database, tmp_path: Path) -> None:
    side = make_side(name, database.url, tmp_path, is_async=is_async)
    try:
        for operation in OPERATIONS:
            if side.run(operation) is not None:
                side.check(operation)
    finally:
        side.close()
        owner = create_engine(database.url)
        dropped(owner)
        owner.dispose()


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("name", [*(one for one in CONFIGURATIONS if one not in {EVERYTHING, WALL}), SQLALCHEMY_UTILS])
def test_every_operation_on_sqlite(name: str, tmp_path: Path) -> None:
    side = make_side(name, make_url("sqlite://"), tmp_path, is_async=name == SEALING)
    for operation in OPERATIONS:
        side.check(operation)
    side.close()


def test_a_wrong_answer_is_noticed(tmp_path: Path) -> None:
    def nobody(session: Session, models: Models, turn: int) -> None:
        return None

    side = make_side(PLAIN, make_url("sqlite://"), tmp_path, is_async=False)
    side.how = {POINT: nobody, TEXT: None}
    for operation in (POINT, TEXT):
        with pytest.raises(ValueError, match=operation):
            side.check(operation)
    side.close()


def test_sides_take_turns_in_processes_of_their_own() -> None:
    found = list(measure(rounds=2, seconds=0.001, kinds=(("sqlite", False),), only=(POINT,), sides=(PLAIN, SEALING)))
    assert [(line["side"], line["unit"]) for line in found] == [(PLAIN, "ms"), (SEALING, "x plain")]
