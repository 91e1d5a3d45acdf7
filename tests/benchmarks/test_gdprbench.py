"""GDPRbench at a tiny size: every answer of both systems is right, and a wrong one is seen."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from benchmarks.gdprbench.oracle import Oracle, WrongAnswer, compare
from benchmarks.gdprbench.places import Places, sqlite
from benchmarks.gdprbench.plain import Plain
from benchmarks.gdprbench.protected import Protected
from benchmarks.gdprbench.race import race
from benchmarks.gdprbench.records import FIELDS, record
from benchmarks.gdprbench.scheduled import Scheduled
from benchmarks.gdprbench.sides import Apart, Here
from benchmarks.gdprbench.trace import MIXES, Mix, Role, trace
from benchmarks.gdprbench.zipfian import Zipfian
from sa_privacy.accesslog import read_events

RECORDS, OPERATIONS = 200, 60
ROWS = [record(n) for n in range(RECORDS)]


@pytest.fixture
def places() -> Iterator[Places]:
    with sqlite() as found:
        yield found


@pytest.mark.parametrize(("role", "mix"), MIXES)
def test_both_systems_answer_every_operation_as_the_oracle_does(places: Places, role: Role, mix: Mix) -> None:
    systems = [system(places.engine(system.name), places.directory) for system in (Plain, Protected)]
    found = race(role, [*map(Here, systems)], ROWS, trace(role, mix, RECORDS, OPERATIONS))
    assert found.operations == OPERATIONS
    assert found.found_nothing < OPERATIONS / 2
    for system in systems:
        system.close()


def test_systems_work_in_processes_of_their_own(places: Places) -> None:
    sides = [Apart(name, places.url(name), places.directory) for name in ("plain", "protected")]
    operations = trace("customer", "paper", RECORDS, 10)
    assert race("customer", sides, ROWS, operations).operations == 10
    with pytest.raises(RuntimeError, match=r"(?s)the plain system failed:.*IntegrityError"):
        sides[0].ask(Plain.load, ROWS)  # its tables are full
    for side in sides:
        side.close()


def test_a_schedule_ends_what_the_statement_ends(places: Places) -> None:
    system = Scheduled(places.engine("scheduled"), places.directory)
    operations = [one for one in trace("controller", "paper", RECORDS, 200) if str(one) == "delete by expires_at"]
    assert race("controller", [Here(system)], ROWS, operations).operations > 2
    assert (
        sum(one.kind == "outcome" and one.statement == "job:retention:records" for one in read_events(system.log)) > 1
    )
    system.close()


class Forgetful(Plain):
    """Forgets whose a record is."""

    def conditions(self, operation: Any) -> Iterator[Any]:
        yield from list(super().conditions(operation))[1:]


def test_an_application_that_forgets_a_condition_is_found_out(places: Places) -> None:
    operations = [one for one in trace("customer", "repository", RECORDS, 400) if str(one) == "read by pur"]
    with pytest.raises(WrongAnswer, match=r"customer, plain, operation \d+ \(read by pur\): key\d+ is not to be there"):
        race("customer", [Here(Forgetful(places.engine("plain"), places.directory))], ROWS, operations)


def test_a_row_that_was_changed_behind_its_back_is_found_by_the_oracle(places: Places) -> None:
    system, oracle = Plain(places.engine("plain"), places.directory), Oracle(ROWS)
    system.load(ROWS)
    compare("the table", oracle.rows(), system.rows())
    with system.engine.begin() as connection:
        connection.execute(text("UPDATE records SET shr = 'shr0' WHERE key = 'key57'"))
    with pytest.raises(WrongAnswer, match=r"^the table: shr of key57 differs$"):
        compare("the table", oracle.rows(), system.rows())
    system.close()


@pytest.mark.parametrize(
    ("got", "said"),
    [
        ([("key1", "a")], "key2 is missing"),
        ([("key1", "a"), ("key2", "secret")], "usr of key2 differs"),
        ([("key1", "a"), ("key2", "b"), ("key3", "c")], "key3 is not to be there"),
        ([("key1", "a"), ("key2", "b"), ("key2", "b")], "3 entries, not the 2 that were expected"),
        (2, "2 instead of 2 rows"),
        ([], "key1 is missing"),
    ],
)
def test_the_first_difference_is_named_by_key_and_field_without_a_value(got: Any, said: str) -> None:
    with pytest.raises(WrongAnswer) as wrong:
        compare("here", [("key1", "a"), ("key2", "b")], got, FIELDS[:2])
    assert str(wrong.value) == f"here: {said}"


def test_what_is_stored_under_protection_holds_no_data_in_the_clear(places: Places) -> None:
    system = Protected(places.engine("protected"), places.directory)
    system.load(ROWS[:20])
    system.close()
    stored = b"".join(path.read_bytes() for path in places.directory.rglob("*") if path.is_file())
    assert b"key7" in stored
    assert not [one["key"] for one in ROWS[:20] if one["data"].encode() in stored]


def test_ranks_are_drawn_in_proportion_to_the_zipfian_law() -> None:
    count, draws = 1_000, 100_000
    zipfian = Zipfian(count, Random(1))
    found = Counter(zipfian.rank() for _ in range(draws))
    zeta = sum(i**-0.99 for i in range(1, count + 1))
    for first, last in [(0, 0), (1, 1), (2, 9), (10, 99), (100, 999)]:
        expected = sum((rank + 1) ** -0.99 for rank in range(first, last + 1)) / zeta
        assert sum(found[rank] for rank in range(first, last + 1)) / draws == pytest.approx(
            expected, rel=0.1
        )  # as near as the formula is


def test_scrambled_numbers_are_the_same_ranks_spread_over_the_range() -> None:
    drawn = Zipfian(1_000, Random(1))
    found = [drawn.scrambled() for _ in range(20_000)]
    assert 400 < statistics.mean(found) < 600  # ranks as they are: 190
    assert Counter(found).most_common(1)[0][1] / 20_000 == pytest.approx(
        1 / sum(i**-0.99 for i in range(1, 1_001)), rel=0.1
    )


def test_a_trace_is_the_same_each_time_and_follows_its_mix() -> None:
    made = trace("customer", "repository", 1_000, 10_000)
    assert made == trace("customer", "repository", 1_000, 10_000)
    assert made != trace("customer", "repository", 1_000, 10_000, seed=2)
    share = Counter(str(one) for one in made)
    assert share["read by key"] / 10_000 == pytest.approx(0.2, abs=0.02)
    assert share["update by usr"] / 10_000 == pytest.approx(0.1, abs=0.02)
