"""What cannot be carried out is said before the night in which it would have run."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

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
        object.__setattr__(privacy.retention.tools, "destroy", destroy)
        privacy.retention._keyed = lambda: True
        before = world.state(privacy, engine)
        assert plan(privacy, engine)["people", "people"].ends == 1
        assert privacy.retention.run(engine).rows == 1
        assert destroyed == [("person", 2)]
        assert world.state(privacy, engine) == before
        assert plan(privacy, engine)["people", "people"].ends == 0
        assert privacy.retention.run(engine).rows == 0


@pytest.mark.parametrize(
    "sql", ["2020", "strftime('%s', people.seen_on)", "CAST(strftime('%s', people.seen_on) AS INTEGER)"]
)
def test_a_clock_that_is_no_moment_is_refused_and_keeps_what_it_should_keep(
    database: Database, engine: Engine, sql: str
) -> None:
    """SQLite compares a number with a date without a word: every row would be over, and no reason would keep any."""
    if engine.dialect.name == "postgresql":  # which knows what an expression is
        sql = "extract(year FROM people.seen_on)"
    world.filled(database)
    clock = {"odd": {"table": "people", "sql": sql}}
    tax = {"law": "Books", "period": "P1D", "clock": "odd"}
    people = {"table": "people", "clock": "seen_on", "period": "P1Y", "action": "delete", "reasons": {"tax": tax}}
    with world.made(engine, world.policy({"people": people}, clocks=clock)) as privacy, world.officer(privacy):
        with Session(engine) as session, pytest.raises(RetentionRefused, match="gives no date and no timestamp"):
            privacy.retention.plan(session)
        with Session(engine) as session:
            if engine.dialect.name == "sqlite":
                (kept,) = [one for one in privacy.erasure.plan(session, 2).kept if one.table == "people"]
                assert kept.until is None


@pytest.mark.parametrize(
    ("sql", "over"), [("people.seen_on || 'T23:30:00-08:00'", 0), ("julianday(people.seen_on)", 1)]
)
def test_a_clock_is_read_in_utc(database: Database, engine: Engine, sql: str, over: int) -> None:
    """2020-01-31 23:30 in San Francisco is February in UTC; what SQLite gives is text, or a day of Julius."""
    if engine.dialect.name == "postgresql":
        zone = "America/Los_Angeles" if over == 0 else "UTC"
        sql = f"(people.seen_on + time '23:30') AT TIME ZONE '{zone}'"
    world.filled(database)
    clock = {"seen": {"table": "people", "sql": sql}}
    people = {"table": "people", "clock": "seen", "period": "P1Y", "action": "delete"}
    said = world.policy({"people": people}, clocks=clock)
    with world.made(engine, said) as privacy, world.officer(privacy), Session(engine) as session:
        (due, *_) = privacy.retention.plan(session, as_of=date(2021, 2, 1)).due
    assert due.over == over
