"""Rows of people that are nobody's: what a reason keeps of a person, once, until the reason ends; the library's own records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from sa_privacy.customers.disclosure.tables import PROVIDED, PROVISIONS
from tests.customers.retention import world
from tests.customers.retention.test_actions import plan
from tests.support.databases import Database

PEOPLE = {"table": "people", "clock": "seen_on", "period": "P3Y", "action": "delete"}
LEDGER = {"law": "Books Act", "period": "P8Y"}


@pytest.fixture(autouse=True)
def rows(database: Database) -> None:
    world.filled(database)


def test_a_person_whose_row_is_kept_is_erased_once_and_goes_when_the_reason_ends(engine: Engine) -> None:
    said = world.policy({"people": PEOPLE | {"reasons": {"ledger": LEDGER}, "meanwhile": "anonymise"}})
    with world.made(engine, said) as privacy, world.officer(privacy):
        assert privacy.retention.run(engine).rows == 1
        after = world.state(privacy, engine)
        assert [(row[0], row[1]) for row in after["people"]] == [(1, "Ann Arbor"), (2, ""), (3, "Cy Press")]
        assert 5 not in [row[0] for row in after["orders"]]
        due = plan(privacy, engine)["people", "people"]
        assert (due.over, due.ends) == (0, 0)
        assert privacy.retention.run(engine).rows == 0
        assert world.state(privacy, engine) == after
    with world.made(engine, said, now=datetime(2028, 2, 1, tzinfo=UTC)) as later, world.officer(later):
        assert later.retention.run(engine, schedule="people").nobodys == 0
        assert later.retention.run(engine).nobodys == 1
        assert [row[0] for row in world.state(later, engine)["people"]] == [1, 3]


def test_records_of_provision_go_after_their_time_and_not_before(engine: Engine) -> None:
    def record(number: str, keep_until: datetime) -> dict[str, object]:
        texts = ("recipient", "kind", "recipient_name", "categories", "actor", "purposes", "format", "policy")
        return {"id": number, "at": world.NOW, "people": 1, "keep_until": keep_until} | dict.fromkeys(texts, "x")

    with world.made(engine, world.policy({"people": PEOPLE})) as privacy, world.officer(privacy):
        with privacy._desk.open(connection := engine.connect()), connection.begin():
            old, new = world.NOW - timedelta(days=1), world.NOW + timedelta(days=1)
            connection.execute(insert(PROVISIONS), [record("old", old), record("new", new)])
            person = {"number": 1, "subject_kind": "person", "subject_key": "1", "categories": "name"}
            connection.execute(insert(PROVIDED), [person | {"provision": "old"}, person | {"provision": "new"}])
        connection.close()
        assert plan(privacy, engine)["sa_privacy_provisions", "sa_privacy_provisions"].ends == 1
        report = privacy.retention.run(engine, schedule="sa_privacy_provisions", chunk=1)
        assert report.rows == 1
        with privacy._desk.open(connection := engine.connect(), reading=True):
            assert connection.execute(select(PROVISIONS.c.id)).scalars().all() == ["new"]
            assert connection.execute(select(PROVIDED.c.provision)).scalars().all() == ["new"]
        connection.close()


def test_the_orders_of_somebody_who_was_erased_still_add_up(engine: Engine) -> None:
    orders = {"table": "orders", "clock": "at", "period": "P2Y", "action": "delete"}
    said = world.policy({"orders": orders | {"reasons": {"tax": {"law": "Books Act", "period": "P20Y"}}}})
    with world.made(engine, said) as privacy, world.officer(privacy):
        with Session(engine) as session:
            erasure = privacy.erasure.plan(session, 1)
        privacy.erasure.run(engine, erasure)
        before = {row[1] for row in world.state(privacy, engine)["orders"] if row[0] in (1, 2, 3, 4, 7)}
        assert len(before) == 1
        privacy.retention.run(engine, chunk=1)
        assert {row[1] for row in world.state(privacy, engine)["orders"] if row[0] in (1, 2, 3, 4, 7)} == before
