"""What cannot be carried out is said before the night in which it would have run."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from sa_privacy import RetentionRefused
from tests.customers.retention import world
from tests.customers.retention.test_actions import OLD_ORDERS, plan
from tests.customers.retention.test_kept import TAX
from tests.support.databases import Database

VISITS = {"table": "visits", "clock": "at", "period": "P6M", "action": "anonymise"}
PEOPLE = {"table": "people", "clock": "seen_on", "period": "P3Y", "action": "shred"}


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (OLD_ORDERS | {"table": "ordrs"}, 'no table "ordrs"'),
        (OLD_ORDERS | {"clock": "placed_on"}, '"placed_on" is no column of orders and no clock of the policy'),
        (OLD_ORDERS | {"clock": "status"}, "orders.status is no date"),
        (OLD_ORDERS | {"reasons": {"tax": TAX | {"keeps": ["sum"]}}}, 'reasons.tax: orders has no column "sum"'),
        (OLD_ORDERS | {"reasons": {"tax": TAX | {"clock": "paid"}}}, '"paid" is no column of orders'),
        (VISITS | {"columns": ["pages"]}, 'columns: visits has no column "pages"'),
        (VISITS | {"values": {"pages": ""}}, 'values: visits has no column "pages"'),
        (VISITS | {"columns": ["person_id"]}, "held together by visits.person_id"),
        (VISITS | {"action": "shred"}, "visits is no table of people"),
        (PEOPLE, "nothing is sealed under keys of people"),
        ({"category": "note", "clock": "seen_on", "period": "P1Y", "action": "anonymise"}, '"seen_on" is no column of'),
    ],
)
def test_a_schedule_that_does_not_fit_the_models_is_refused(engine: Engine, schedule: Any, said: str) -> None:
    with world.made(engine, world.policy({"broken": schedule})) as privacy:
        with pytest.raises(RetentionRefused, match=r"\[retention\.broken\]") as refused:
            privacy.check(engine)
        assert said in str(refused.value)
        with world.officer(privacy), pytest.raises(RetentionRefused):
            privacy.retention.run(engine)


def test_every_fault_is_named_at_once(engine: Engine) -> None:
    clocks = {"moved": {"table": "nothing", "sql": "now()"}}
    said = world.policy({"one": OLD_ORDERS | {"clock": "x"}, "two": VISITS | {"clock": "y"}}, clocks=clocks)
    with world.made(engine, said) as privacy, pytest.raises(RetentionRefused, match=r"(?s)clocks.moved.*one.*two"):
        privacy.check(engine)


def test_what_fits_is_taken(engine: Engine) -> None:
    with world.made(engine, world.policy({"orders": OLD_ORDERS | {"reasons": {"tax": TAX}}, "v": VISITS})) as privacy:
        privacy.check(engine)


def test_shred_destroys_the_key_of_each_person_once(database: Database, engine: Engine) -> None:
    world.filled(database)
    destroyed: list[tuple[str, Any]] = []

    def destroy(connection: Connection, kind: str, key: Any) -> int:
        assert connection.in_transaction()
        destroyed.append((kind, key))
        return 1

    with world.made(engine, world.policy({"people": PEOPLE})) as privacy, world.officer(privacy):
        object.__setattr__(privacy.retention._tools, "destroy", destroy)
        privacy.retention._keyed = lambda: True
        before = world.state(privacy, engine)
        assert plan(privacy, engine)["people", "people"].ends == 1
        assert privacy.retention.run(engine).rows == 1
        assert destroyed == [("person", 2)]
        assert world.state(privacy, engine) == before
        assert plan(privacy, engine)["people", "people"].ends == 0
        assert privacy.retention.run(engine).rows == 0
