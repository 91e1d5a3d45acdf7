"""How many Python functions of the library run: what a hot path costs, the same on every machine.

``benchmarks/overhead`` times the same operations. A number here goes up only for a reason that is worth its time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import __version__ as sqlalchemy_version
from sqlalchemy import create_engine, insert, select

from benchmarks.calls import calls, measure, more, recorded
from benchmarks.overhead import Bench, Customer, Product, Visit, rows
from sa_privacy import AccessLog, Privacy
from tests.gate import owned


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A protected engine with a log, inside an access."""
    made = Bench()
    privacy = made.protect("it", AccessLog.open(tmp_path / "log"))
    with privacy.access("work", role="staff", actor="bench"):
        yield made
    privacy.close()


def test_a_table_with_nothing_personal(bench: Bench) -> None:
    found = calls(bench.statement(bench.engines["it"], select(Product.title).where(Product.id == 1)))
    # the cache of compiled statements, the door, and whether the name still stands for the same table
    assert found.total() <= 3, found


def test_plain_columns_of_a_table_with_personal_ones(bench: Bench) -> None:
    found = calls(bench.statement(bench.engines["it"], select(Visit.took).where(Visit.id == 1)))
    assert found.total() <= 2, found  # the cache and the door


def test_a_statement_that_is_judged_and_logged(bench: Bench) -> None:
    visits = Visit.__table__
    found = calls(bench.statement(bench.engines["it"], select(visits).where(visits.c.id == 1)))
    # three for each of the two events in the log, the rest to judge it, to say whose it is and to witness its row
    assert found.total() <= 18, found
    assert found["log.AccessLog.append"] == 2


def test_each_further_entity_costs_its_mark_and_one_call_for_a_cell_and_for_a_value(bench: Bench) -> None:
    engine = bench.engines["it"]
    few = calls(bench.entities(engine, Customer, 10))
    many = calls(bench.entities(engine, Customer, 100))
    assert dict(many - few) == {
        "marking.Marking.on_load": 90,
        "cell.FieldCipher.opener.<locals>.open_plain": 4 * 90,
        "guard._guarded.<locals>.Guarded.__get__": 4 * 90,
    }
    # once: the statement, its two events, the connection, the session, and whether its objects may leave it, which one
    # listener asks for every Privacy of the process
    assert few.total() - 9 * 10 <= 44, few


def test_each_further_row_of_an_insert_costs_one_call_for_a_cell(bench: Bench) -> None:
    with bench.engines["it"].connect() as connection:

        def inserting(count: int) -> Callable[[], None]:
            new = [values | {"id": 1000 + values["id"]} for values in rows()[:count]]

            def run() -> None:
                connection.execute(insert(Customer), new)
                connection.rollback()

            return run

        few, many = calls(inserting(10)), calls(inserting(100))
    assert dict(many - few) == {
        "cell.FieldCipher.sealer.<locals>.seal_value": 4 * 90,
        "key_types.spelled": 90,  # one generator for all rows, which goes on for each
    }


def test_a_select_of_ones_own_rows(tmp_path: Path) -> None:
    orders = owned.Base.metadata.tables["orders"].c
    with closing(
        Privacy(owned.POLICY, keys=owned.KEYS, log=AccessLog.open(tmp_path / "log"), metadata=owned.Base)
    ) as p:
        engine = create_engine("sqlite://")
        p.install(engine)
        owned.fill(p, engine)
        with p.access("account", role="customer", actor="customer:1", subject=1), engine.connect() as connection:

            def run() -> None:
                assert len(connection.execute(select(orders.id, orders.amount)).all()) == 3

            found = calls(run)
    # as above, and: the condition's value, put in twice (the last time over what was given with the statement), four looks at
    # the conditions in force (for which the statement was compiled, that value, and whether it is the condition's), and
    # whether the key that the statement is bound to is theirs
    assert found.total() <= 47, found


def test_no_operation_calls_more_than_is_recorded() -> None:
    """Where it calls more for a reason, or fewer: ``python -m benchmarks.calls --write``."""
    assert more(measure(), recorded(), share=1.05 if sqlalchemy_version.startswith("2.0") else 1.01) == {}


def test_more_calls_are_seen() -> None:
    found = {"get by key": Counter({"engine.Gate.admit": 2, "log.append": 1}), "known": Counter(a=1)}
    assert more(found, {"get by key": 3, "known": 1}) == {}
    assert list(more(found, {"get by key": 2, "known": 1})) == ["get by key"]
    assert list(more(found, {"known": 1})) == ["get by key"]  # a new operation has to be recorded
