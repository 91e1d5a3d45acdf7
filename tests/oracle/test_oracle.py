"""A seeded slice of what `make fuzz` does for as long as one likes; and that it would notice."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sa_privacy.footprint.queries import Queries
from sa_privacy.footprint.scope import Source
from tests.attack_cases.stage import stage
from tests.attack_cases.test_cases import Check, _expect, _tried, _works
from tests.attack_cases.ways import ways_of
from tests.oracle.bench import Bench, Finding, Outcome
from tests.oracle.cases import shrunk, write_case
from tests.oracle.choices import Choices, smaller
from tests.oracle.grants import EVERYTHING
from tests.oracle.tally import Tally
from tests.support.databases import sqlite_database
from tests.support.draws import draws

STATEMENTS = 300


def drawn(bench: Bench, seed: str, statements: int) -> Tally:
    tally, random = Tally(bench.backend), Random(seed)
    for _ in range(statements):
        tally.add(bench.examine(random))
    return tally


def fine(tally: Tally) -> None:
    print("\n".join(tally.lines()))  # noqa: T201 - shown where the test fails
    assert tally.bad == []
    assert tally.faults(few=6) == []


def test_sqlites_authorizer_agrees(sqlite_bench: Bench) -> None:
    fine(drawn(sqlite_bench, "1", STATEMENTS))


def test_postgresqls_privileges_agree(postgresql_bench: Bench) -> None:
    fine(drawn(postgresql_bench, "1", STATEMENTS))


@given(numbers=st.lists(st.integers(0, 99), max_size=150))
@settings(max_examples=draws(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_chosen_sqlites_authorizer_agrees(numbers: list[int], sqlite_bench: Bench) -> None:
    assert sqlite_bench.examine(numbers).outcome not in {"leak", "differs"}


# -- it would notice ----------------------------------------------------------------------------------------------


def first(bench: Bench, outcome: str, why: str = "") -> Finding:
    random = Random(5)
    found = (bench.examine(random) for _ in range(600))
    return next(finding for finding in found if finding.outcome == outcome and why in finding.why)


def loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def denied(module: ModuleType, path: Path) -> None:
    """Runs a denied case as the attack cases are run, on SQLite."""
    path.mkdir()
    with sqlite_database(path) as database, stage(database, path, module) as case:
        [purpose], [way] = module.purposes, ways_of(module)
        check = Check(module, case)
        check.ended(way, purpose, [check.ran(_tried(one, case, purpose), purpose) for one in way.attacks])


def test_a_leak_is_found_made_small_and_made_a_case(
    sqlite_bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "denied").mkdir()
    with monkeypatch.context() as broken:
        broken.setattr(Queries, "sort_key", lambda *_: None)
        leak = first(sqlite_bench, "leak")
        small = shrunk(sqlite_bench, leak, tries=200)
        assert small.outcome == "leak"
        assert len(small.choices.numbers) < len(leak.choices.numbers)
        module = loaded(write_case(small, "sqlite", tmp_path))
        with pytest.raises(AssertionError, match="is classified as"):
            denied(module, tmp_path / "broken")
    denied(module, tmp_path / "whole")


def test_a_wrong_refusal_is_made_a_case(sqlite_bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "allowed").mkdir()
    with monkeypatch.context() as broken:
        broken.setattr(Source, "personal", property(lambda _: frozenset(("people.name", "people.email"))))
        broken.setattr(Queries, "bare_name", lambda self, _, scope, use: self.whole(scope.sources, use))
        small = shrunk(sqlite_bench, first(sqlite_bench, "wrong", "claimed and not needed"), tries=50)
        module = loaded(write_case(small, "sqlite", tmp_path))
    place = tmp_path / "place"
    place.mkdir()
    with sqlite_database(place) as database, stage(database, place, module) as case:
        [purpose] = module.purposes
        for work in _works(module):
            with case.access(purpose):
                _expect(module, case, work(case))


def test_a_road_that_differs_is_found(sqlite_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sa_privacy.footprint.tree._operands", lambda *_: iter(()))
    assert "the tree" in first(sqlite_bench, "differs").why


def test_a_run_that_learns_nothing_fails() -> None:
    tally = Tally("nowhere")
    outcomes: tuple[Outcome, ...] = ("allowed", "allowed", "invalid", "wrong")
    for outcome in outcomes:
        tally.add(Finding(outcome, "SELECT 1", EVERYTHING, "odd"))
    assert tally.faults() == [
        "33.3% are refused and need not be",
        "fewer than 20% lie on one side of the line",
        "the database takes no more than 3 of 4 statements",
    ]


# -- choices ------------------------------------------------------------------------------------------------------


def test_numbers_draw_the_same_again_and_zero_where_they_run_out() -> None:
    choices = Choices(Random(3))
    first_time = [choices.below(50) for _ in range(20)]
    again = Choices(choices.made)
    assert [again.below(50) for _ in range(20)] == first_time
    assert again.below(50) == 0
    assert Choices([99]).below(4) == 3


def test_numbers_become_fewer_and_smaller() -> None:
    def again(numbers: Sequence[int]) -> Choices | None:
        choices = Choices(numbers)
        while len(choices.made) < len(numbers):
            choices.below(100)
        return choices if max(numbers, default=0) >= 31 else None

    long = again([9, 4, 0, 50, 7, 7, 31, 2] * 5)
    assert long is not None
    assert smaller(long, again).numbers == [31]
