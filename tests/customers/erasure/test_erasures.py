"""A person is erased as the plan said that was looked at: everything of theirs, nothing of others, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from sa_privacy import ErasureRefused, PlanMoved, Policy, Privacy, UnknownPerson
from sa_privacy.customers.erasure import read_certificate
from sa_privacy.policy.writing import as_sections
from tests.customers.destruction import world
from tests.support.databases import Database


def policy(**more: Any) -> Policy:
    sections = as_sections(world.POLICY)
    return Policy(**(sections | more))


ORDERS = {
    "table": "orders",
    "clock": "placed_on",
    "period": "P1Y",
    "action": "delete",
    "reasons": {"tax": {"law": "Books", "period": "P7Y", "keeps": ["total"]}},
    "guards": {"open": {"sql": "orders.status = 'open'", "ends": "when it is delivered"}},
}


@pytest.fixture
def made(database: Database, engine: Engine) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine) as privacy:
        yield privacy


def officer(privacy: Privacy) -> Any:
    return privacy.access(actor="officer:1", role="officer", reason="asked for")


def test_the_plan_says_what_is_done_and_the_run_does_it(made: Privacy, engine: Engine) -> None:
    before = world.state(made, engine)
    with officer(made), Session(engine) as session:
        plan = made.erasure.plan(session, 1)
        assert world.state(made, engine) == before
        assert plan.counts["orders"] == {"delete": 2, "unlink": 3}
        assert plan.counts["people"] == {"shell": 1, "unlink": 2, "delete": 1}
        assert plan.kept == ()
        assert plan.held == ()
        session.rollback()
        made.erasure.run(engine, plan)
        with pytest.raises(UnknownPerson):
            made.erasure.plan(session, 1)
    after = world.state(made, engine)
    assert [row[0] for row in after["orders"]] == [3]
    assert "ann" not in repr([row for row in after["people"] if row[0] != 2]).lower()


def test_a_plan_of_data_that_moved_on_is_refused_and_nothing_is_erased(made: Privacy, engine: Engine) -> None:
    with officer(made), Session(engine) as session:
        plan = made.erasure.plan(session, 1)
        session.rollback()
    with world.maintenance(made), Session(engine) as session:
        session.add(world.Order(id=9, person_id=1, total=1))
        session.commit()
    before = world.state(made, engine)
    with officer(made), pytest.raises(PlanMoved):
        made.erasure.run(engine, plan)
    assert world.state(made, engine) == before


def test_the_hash_names_nobody_and_is_the_same_for_the_same_data(made: Privacy, engine: Engine) -> None:
    with officer(made), Session(engine) as session:
        one, again, other = (made.erasure.plan(session, key) for key in (1, 1, 2))
    assert one.hash == again.hash != other.hash
    assert "1" not in repr(one).split("steps")[0].replace(one.hash, "").partition("made=")[0]


def test_who_does_not_erase_cannot_plan_nor_run(made: Privacy, engine: Engine) -> None:
    with officer(made), Session(engine) as session:
        plan = made.erasure.plan(session, 1)
    before = world.state(made, engine)
    with made.access("everything", actor="clerk:1", role="clerk"), Session(engine) as session:
        with pytest.raises(ErasureRefused, match="officer"):
            made.erasure.plan(session, 1)
        with pytest.raises(ErasureRefused, match="officer"):
            made.erasure.run(engine, plan)
    assert world.state(made, engine) == before


@pytest.fixture
def scheduled(database: Database, engine: Engine) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine, policy(retention={"orders": ORDERS})) as privacy:
        yield privacy


def test_what_a_reason_keeps_stays_and_the_plan_says_until_when(scheduled: Privacy, engine: Engine) -> None:
    with officer(scheduled), Session(engine) as session:
        plan = scheduled.erasure.plan(session, 1)
        session.rollback()
        (kept,) = plan.kept
        assert (kept.table, kept.rows, kept.reason, kept.law, kept.columns) == ("orders", 2, "tax", "Books", ("total",))
        assert kept.until is not None
        assert kept.until.year == 2033
        scheduled.erasure.run(engine, plan)
    after = world.state(scheduled, engine)
    totals = [row[4] for row in after["orders"]]
    assert totals == [10, 20, 30]
    assert {row[1] for row in after["orders"]} == {2, *({row[0] for row in after["people"]} - {2})}


def test_a_guard_holds_the_person_back_and_says_when_it_ends(scheduled: Privacy, engine: Engine) -> None:
    with world.maintenance(scheduled), engine.begin() as connection:
        connection.execute(update(world.Order).where(world.Order.id == 1).values(status="open"))
    before = world.state(scheduled, engine)
    with officer(scheduled), Session(engine) as session:
        plan = scheduled.erasure.plan(session, 1)
        session.rollback()
        (held,) = plan.held
        assert (held.table, held.rows, held.by, held.what) == ("orders", 1, "guard", "open")
        with pytest.raises(ErasureRefused, match=r"(?s)open.*when it is delivered"):
            scheduled.erasure.run(engine, plan)
    assert world.state(scheduled, engine) == before


def test_a_plan_says_reasons_and_guards_by_their_titles(database: Database, engine: Engine) -> None:
    books = {"en": "Books of account", "ja": "帳簿書類の保存"}
    tax = {"law": "Books", "period": "P7Y", "keeps": ["total"], "title": books}
    guard = {
        "sql": "orders.id = 2",
        "ends": {"en": "when it is sent", "ja": "発送のとき"},
        "title": {"en": "Not sent yet", "ja": "発送前"},
    }
    orders = ORDERS | {"reasons": {"tax": tax}, "guards": {"open": guard}}
    said = policy(policy={"id": "x", "version": "1", "languages": ["en", "ja"]}, retention={"orders": orders})
    world.filled(database)
    with world.protected(engine, said) as privacy, officer(privacy), Session(engine) as session:
        plan = privacy.erasure.plan(session, 1)
    assert (plan.kept[0].title, plan.held[0].title) == (books, guard["title"])
    english, japanese = (line.split() for line in (plan.as_text("en"), plan.as_text("ja")))
    assert " ".join(english).count("Books of account") == 3, "what is done, twice, and what stays"
    assert "guard Not sent yet" in " ".join(english)
    assert japanese.count("帳簿書類の保存") == 3
    assert "条件 発送前" in " ".join(japanese)
    assert not {"tax", "open"} & {*english, *japanese}
    assert json.dumps([asdict(plan.kept[0]), asdict(plan.held[0])], default=str), "erase plan --json"


def test_the_certificate_says_that_no_ledger_knows_of_the_erasure(made: Privacy, engine: Engine) -> None:
    """Whoever reads it must know that a restored backup brings the person back."""
    with officer(made), Session(engine) as session:
        plan = made.erasure.plan(session, 1)
        session.rollback()
        said = made.erasure.run(engine, plan)
        assert said.ledger is False
        assert made.erasure.certificate(session, said.record) == said
    assert read_certificate(said.json()).ledger is False
