"""What is kept although its time is over, by what, until when: in the plan, and by the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Connection, Engine, Table, update
from sqlalchemy.orm import Session

from sa_privacy import Privacy, RetentionRefused
from sa_privacy.customers.retention.plan import Waiting
from tests.customers.retention import world
from tests.customers.retention.test_actions import OLD_ORDERS, plan, scheduled
from tests.support.databases import Database

TAX: dict[str, Any] = {"title": {"en": "Tax", "ja": "税務"}, "law": "Books Act", "period": "P7Y", "keeps": ["total"]}
OPEN: dict[str, Any] = {
    "title": {"en": "open", "ja": "未配達"},
    "sql": "orders.status = 'open'",
    "ends": {"en": "when delivered", "ja": "配達後"},
}


@pytest.fixture(autouse=True)
def rows(database: Database) -> None:
    world.filled(database)


def ids(privacy: Privacy, engine: Engine, table: str) -> list[Any]:
    return [row[0] for row in world.state(privacy, engine)[table]]


def test_a_guard_holds_rows_back_and_says_when_it_ends(engine: Engine) -> None:
    with scheduled(engine, orders=OLD_ORDERS | {"guards": {"open": OPEN}}) as privacy:
        due = plan(privacy, engine)["orders", "orders"]
        assert (due.over, due.ends) == (5, 4)
        [held] = due.waiting
        assert (held.by, held.what, held.rows, held.ends["en"]) == ("guard", "open", 1, "when delivered")
        privacy.retention.run(engine)
        assert ids(privacy, engine, "orders") == [2, 4, 6]
        with world.engineer(privacy), engine.begin() as connection:
            connection.execute(update(world.Order).where(world.Order.id == 2).values(status="done"))
        assert privacy.retention.run(engine).rows == 1


def test_a_reason_keeps_what_it_keeps_and_the_rest_is_emptied_meanwhile(engine: Engine) -> None:
    with scheduled(engine, orders=OLD_ORDERS | {"reasons": {"tax": TAX}}) as privacy:
        due = plan(privacy, engine)["orders", "orders"]
        assert (due.over, due.ends, due.meanwhile) == (5, 3, 2)
        assert due.waiting == (
            Waiting("reason", "tax", 2, TAX["title"], "Books Act", datetime(2029, 6, 1, tzinfo=UTC)),
        )
        privacy.retention.run(engine)
        after = world.state(privacy, engine)
        assert [row[0] for row in after["orders"]] == [3, 4, 5, 6]
        kept = [row for row in after["orders"] if row[0] in (3, 5)]
        assert [row[4:] for row in kept] == [(3, "", None), (5, "", None)]
        assert not {row[1] for row in kept} & {1, 2, 3}
        assert [row[:2] for row in after["items"]] == [(3, 1)]
        assert plan(privacy, engine)["orders", "orders"].to_do == 0
        assert privacy.retention.run(engine).rows == 0
        assert world.state(privacy, engine) == after
    later = datetime(2029, 6, 2, tzinfo=UTC)
    with world.made(engine, privacy.policy, now=later) as made, world.officer(made):
        assert made.retention.run(engine).nobodys == 2
        assert ids(made, engine, "orders") == [4, 6]


def test_of_several_reasons_the_last_decides_column_by_column(engine: Engine) -> None:
    claims = {"law": "Civil Code", "period": "P5Y", "keeps": ["note"]}
    orders = OLD_ORDERS | {"reasons": {"tax": TAX, "claims": claims}, "meanwhile": "anonymise"}
    with scheduled(engine, orders=orders) as privacy:
        assert [(one.what, one.rows) for one in plan(privacy, engine)["orders", "orders"].waiting] == [
            ("tax", 2),
            ("claims", 2),
        ]
        privacy.retention.run(engine)
        kept = [row for row in world.state(privacy, engine)["orders"] if row[0] in (3, 5)]
        assert [row[4:] for row in kept] == [(3, "", "note 3"), (5, "", "note 5")]
        assert [row[1] for row in kept] == [1, 2]
    later = datetime(2027, 6, 2, tzinfo=UTC)
    with world.made(engine, privacy.policy, now=later) as made, world.officer(made):
        due = plan(made, engine)["orders", "orders"]
        assert (due.ends, due.meanwhile) == (0, 2)
        made.retention.run(engine)
        kept = [row for row in world.state(made, engine)["orders"] if row[0] in (3, 5)]
        assert [row[4:] for row in kept] == [(3, "", None), (5, "", None)]


def test_a_reason_without_a_moment_keeps_and_says_that_it_does_not_run(engine: Engine) -> None:
    seen = {"law": "Civil Code", "clock": "last_seen", "period": "P1Y"}
    clocks = {"last_seen": {"table": "orders", "sql": "(SELECT p.seen_on FROM people p WHERE p.id = orders.person_id)"}}
    said = world.policy({"orders": OLD_ORDERS | {"reasons": {"seen": seen}}}, clocks=clocks)
    with world.made(engine, said) as privacy, world.officer(privacy):
        with world.engineer(privacy), engine.begin() as connection:
            connection.execute(update(world.Person).where(world.Person.id == 1).values(seen_on=None))
        due = plan(privacy, engine)["orders", "orders"]
        assert (due.ends, due.meanwhile) == (1, 4)
        assert [(one.what, one.rows, one.until) for one in due.waiting] == [("seen", 4, None)]


def test_an_order_waits_for_its_items(engine: Engine) -> None:
    items = {"table": "items", "clock": "returned_on", "period": "P1M", "action": "delete"}
    with scheduled(engine, orders=OLD_ORDERS, items=items) as privacy:
        due = plan(privacy, engine)["orders", "orders"]
        assert (due.over, due.ends) == (5, 2)
        assert [(one.by, one.what, one.rows) for one in due.waiting] == [("rows", "items", 3)]
        privacy.retention.run(engine)
        assert ids(privacy, engine, "orders") == [1, 3, 4, 6, 7]
        assert len(ids(privacy, engine, "items")) == 4


def test_a_guard_of_what_hangs_on_a_row_holds_the_row_too_and_a_person(engine: Engine) -> None:
    lamps = {"sql": "items.product = 'lamp'", "ends": {"en": "when it is out of use", "ja": "使用後"}}
    items = {"table": "items", "clock": "returned_on", "period": "P1M", "action": "anonymise", "columns": ["product"]}
    people = {"table": "people", "clock": "seen_on", "period": "P1D", "action": "delete"}
    said = {"orders": OLD_ORDERS, "items": items | {"guards": {"lamps": lamps}}, "people": people}
    with scheduled(engine, **said) as privacy:
        found = plan(privacy, engine)
        assert [(one.by, one.what, one.rows) for one in found["orders", "orders"].waiting] == [("rows", "items", 1)]
        assert [(one.by, one.what, one.rows) for one in found["people", "people"].waiting] == [("rows", "orders", 1)]
        privacy.retention.run(engine)
        assert ids(privacy, engine, "people") == [1, 3]
        assert ids(privacy, engine, "orders") == [3, 4, 6]


class Holds:
    """Ann's order 3 is under a hold."""

    def cases(self, connection: Connection, table: Table) -> Mapping[str, ColumnElement[bool]]:
        return {"2026-7": table.c.id == 3} if table.name == "orders" else {}


def test_what_is_held_stays_and_release_resumes(engine: Engine) -> None:
    with scheduled(engine, orders=OLD_ORDERS) as privacy:
        object.__setattr__(privacy._retention.tools, "holding", Holds)
        due = plan(privacy, engine)["orders", "orders"]
        assert [(one.by, one.what, one.rows) for one in due.waiting] == [("hold", "2026-7", 1)]
        privacy.retention.run(engine)
        assert ids(privacy, engine, "orders") == [3, 4, 6]
        object.__setattr__(privacy._retention.tools, "holding", lambda: None)
        assert privacy.retention.run(engine).rows == 1


@pytest.mark.parametrize("sql", ["orders.nothing = 1", "orders.status = ", "broken(orders.id)"])
def test_a_guard_that_the_database_does_not_take_is_named_before_anything_is_changed(engine: Engine, sql: str) -> None:
    orders = OLD_ORDERS | {"guards": {"broken": OPEN | {"sql": sql}}}
    visits = {"table": "visits", "clock": "at", "period": "P6M", "action": "delete"}
    with scheduled(engine, visits=visits, orders=orders) as privacy:
        before = world.state(privacy, engine)
        with pytest.raises(RetentionRefused, match=r'(?s)guard "broken".*schedule "orders"'):
            plan(privacy, engine)
        with pytest.raises(RetentionRefused, match=r'(?s)guard "broken".*schedule "orders"'):
            privacy.retention.run(engine)
        assert world.state(privacy, engine) == before


def test_a_guard_that_fails_on_one_row_is_named_before_anything_is_changed(database: Database, engine: Engine) -> None:
    sql = "json_extract(orders.status, '$') = 1" if database.backend == "sqlite" else "1 / (orders.total - 3) > 5"
    orders = OLD_ORDERS | {"guards": {"broken": OPEN | {"sql": sql}}}
    with scheduled(engine, orders=orders) as privacy:
        before = world.state(privacy, engine)
        with pytest.raises(RetentionRefused, match=r'(?s)guard "broken".*schedule "orders"'):
            privacy.retention.run(engine)
        assert world.state(privacy, engine) == before


def test_a_clock_that_the_database_does_not_take_is_named(engine: Engine) -> None:
    clocks = {"moved": {"table": "orders", "sql": "(SELECT max(x.nothing) FROM items x WHERE x.order_id = orders.id)"}}
    said = world.policy({"orders": OLD_ORDERS | {"clock": "moved"}}, clocks=clocks)
    with world.made(engine, said) as privacy, world.officer(privacy), pytest.raises(RetentionRefused, match="moved"):
        plan(privacy, engine)


def test_who_does_not_end_data_neither_plans_nor_runs_and_a_system_may(engine: Engine) -> None:
    with world.made(engine, world.policy({"orders": OLD_ORDERS})) as privacy:
        with privacy.access("everything", actor="clerk:1", role="clerk"):
            with Session(engine) as session, pytest.raises(RetentionRefused, match="officer"):
                privacy.retention.plan(session)
            with pytest.raises(RetentionRefused, match="officer"):
                privacy.retention.run(engine)
        with privacy.system("nightly"):
            assert privacy.retention.run(engine).rows == 5


def test_the_plan_as_a_table_in_both_languages(engine: Engine) -> None:
    said = OLD_ORDERS | {"title": {"en": "Orders", "ja": "注文"}, "reasons": {"tax": TAX}, "guards": {"open": OPEN}}
    with scheduled(engine, orders=said) as privacy, Session(engine) as session:
        found = privacy.retention.plan(session, as_of=date(2026, 11, 26))
        english, japanese = found.as_text("en"), found.as_text("ja")
    assert english.splitlines()[0] == "As of 2026-11-26 (UTC):"
    assert "Orders" in english
    assert "at before 2024-11-26 (P2Y), since 2016-01-01" in english
    assert "2 kept: Tax (Books Act), until 2029-06-01 for the last" in english
    assert "1 wait: open; when delivered" in english
    assert "2 件は保存: 税務(Books Act)、最後は 2029-06-01 まで" in japanese
    assert "配達後" in japanese
    assert found.as_data()["due"][0]["waiting"][0]["ends"] == OPEN["ends"]


def test_it_says_it_of_no_one(engine: Engine) -> None:
    with scheduled(engine, orders=OLD_ORDERS) as privacy, Session(engine) as session:
        found = repr(privacy.retention.plan(session)) + repr(privacy.retention.run(engine))
    assert not [word for word in ("Ann", "street", "note 1") if word in found]
