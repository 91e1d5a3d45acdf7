"""Each action does what it says with the rows whose time is over, with no others, and once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import Privacy
from sa_privacy.customers.retention.plan import Due
from tests.customers.retention import world
from tests.support.databases import Database

OLD_ORDERS = {"table": "orders", "clock": "at", "period": "P2Y", "action": "delete"}


@pytest.fixture(autouse=True)
def rows(database: Database) -> None:
    world.filled(database)


@contextmanager
def scheduled(engine: Engine, **retention: Any) -> Iterator[Privacy]:
    with world.made(engine, world.policy(retention)) as privacy, world.officer(privacy):
        yield privacy


def plan(privacy: Privacy, engine: Engine, **options: Any) -> dict[tuple[str, str], Due]:
    with Session(engine) as session:
        found = privacy.retention.plan(session, **options)
        return {(one.schedule, one.table): one for one in found.due}


def test_delete_takes_what_hangs_on_the_rows(engine: Engine) -> None:
    with scheduled(engine, orders=OLD_ORDERS) as privacy:
        before = world.state(privacy, engine)
        due = plan(privacy, engine)["orders", "orders"]
        assert (due.over, due.ends, due.meanwhile, due.waiting) == (5, 5, 0, ())
        assert due.since is not None
        assert due.since.isoformat() == "2016-01-01T00:00:00+00:00"
        assert world.state(privacy, engine) == before
        report = privacy.retention.run(engine)
        assert report.rows == 5
        assert report.done[0].changed == {"orders": {"delete": 5}, "items": {"delete": 4}}
        after = world.state(privacy, engine)
        assert [row[0] for row in after["orders"]] == [4, 6]
        assert after["items"] == []
        assert {name: after[name] for name in ("people", "visits")} == {
            name: before[name] for name in ("people", "visits")
        }
        assert plan(privacy, engine)["orders", "orders"].over == 0
        assert privacy.retention.run(engine).rows == 0


def test_anonymise_empties_columns_that_show_it_and_columns_that_do_not(engine: Engine) -> None:
    orders = OLD_ORDERS | {"action": "anonymise", "columns": ["address", "note"]}
    visits = {"table": "visits", "clock": "at", "period": "P6M", "action": "anonymise"}
    with scheduled(engine, orders=orders, visits=visits) as privacy:
        assert plan(privacy, engine)["visits", "visits"].ends == 3
        assert privacy.retention.run(engine, chunk=2).rows == 5 + 3
        after = world.state(privacy, engine)
        assert [row[5:] for row in after["orders"]] == [
            *(("", None) for _ in range(3)),
            ("street 4", "note 4"),
            ("", None),
            ("street 6", "note 6"),
            ("", None),
        ]
        assert [row[4] for row in after["orders"]] == [*range(1, 8)]
        assert [row[3] for row in after["visits"]] == ["", "page 2", "", ""]
        assert not [row for row in after["visits"] if row[0] != 2 and "token" in row[4]]
        again = plan(privacy, engine)
        assert [(one.over, one.ends) for one in again.values() if one.schedule in ("orders", "visits")] == [
            (5, 0),
            (3, 0),
        ]
        assert privacy.retention.run(engine).rows == 0
        assert world.state(privacy, engine) == after


def test_a_category_is_emptied_in_every_table(engine: Engine) -> None:
    schedule = {"category": "note", "clock": "at", "period": "P6M", "action": "anonymise"}
    with scheduled(engine, notes=schedule) as privacy:
        found = plan(privacy, engine)
        assert [found["notes", name].ends for name in ("orders", "visits")] == [5, 3]
        privacy.retention.run(engine)
        after = world.state(privacy, engine)
        assert [row[6] for row in after["orders"]] == [None, None, None, "note 4", None, "note 6", None]
        assert [row[5] for row in after["orders"]] == [f"street {at}" for at in range(1, 8)]
        assert [row[3] for row in after["visits"]] == [f"page {at}" for at in range(1, 5)]
        assert [row[0] for row in after["visits"] if row[4].startswith("token")] == [2]
        assert privacy.retention.run(engine).rows == 0


def test_pseudonymise_leads_the_link_to_a_row_that_says_nothing(engine: Engine) -> None:
    orders = OLD_ORDERS | {"action": "pseudonymise"}
    visits = {"table": "visits", "clock": "at", "period": "P6M", "action": "pseudonymise"}
    with scheduled(engine, orders=orders, visits=visits) as privacy:
        assert privacy.retention.run(engine).rows == 5 + 3
        after = world.state(privacy, engine)
        links = {row[0]: row[1] for row in after["orders"]}
        shells = {row[0] for row in after["people"]} - {1, 2, 3}
        assert {links[at] for at in (1, 2, 3, 5, 7)} == shells
        assert (links[4], links[6]) == (1, 3)
        assert links[1] == links[2] == links[3] != links[5]
        assert [row[1] for row in after["visits"]] == [None, 1, None, None]
        assert privacy.retention.run(engine).rows == 0
        assert world.state(privacy, engine) == after


def test_delete_of_people_is_the_erasure_of_each(engine: Engine) -> None:
    people = {"table": "people", "clock": "seen_on", "period": "P3Y", "action": "delete"}
    with scheduled(engine, people=people) as privacy:
        assert plan(privacy, engine)["people", "people"].ends == 1
        report = privacy.retention.run(engine)
        assert report.rows == 1
        after = world.state(privacy, engine)
        assert [row[0] for row in after["people"]] == [1, 3]
        assert [row[0] for row in after["orders"]] == [1, 2, 3, 4, 6, 7]
        assert 4 not in [row[0] for row in after["visits"]]
        assert privacy.retention.run(engine).rows == 0


def test_shells_go_when_nothing_leads_to_them_any_more(engine: Engine) -> None:
    first = OLD_ORDERS | {"action": "pseudonymise"}
    with scheduled(engine, orders=first) as privacy:
        privacy.retention.run(engine)
        assert len(world.state(privacy, engine)["people"]) == 5
    with scheduled(engine, orders=OLD_ORDERS) as privacy:
        report = privacy.retention.run(engine)
        assert report.nobodys == 2
        assert [row[0] for row in world.state(privacy, engine)["people"]] == [1, 2, 3]


def test_a_moment_behind_or_ahead(engine: Engine) -> None:
    with scheduled(engine, orders=OLD_ORDERS) as privacy:
        assert plan(privacy, engine, as_of=date(2018, 2, 28))["orders", "orders"].over == 2
        assert plan(privacy, engine, as_of=date(2018, 3, 1))["orders", "orders"].over == 3
        assert plan(privacy, engine, as_of=date(2029, 1, 1))["orders", "orders"].over == 6
        with pytest.raises(Exception, match="ahead"):
            privacy.retention.run(engine, as_of=date(2029, 1, 1))
        assert privacy.retention.run(engine, as_of=date(2018, 2, 28)).rows == 2
