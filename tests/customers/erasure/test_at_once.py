"""What happens at the same time as an erasure, or in the middle of it: each gets a clear answer, and nobody is half erased."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from sa_privacy import LedgerUnavailable, PlanMoved, Privacy, PrivacyError, UnknownPerson
from sa_privacy.customers.disclosure.tables import PROVIDED
from sa_privacy.customers.erasure import erasures
from sa_privacy.customers.erasure.tables import ERASURES
from tests.customers import giving
from tests.customers.destruction import world
from tests.customers.erasure.test_erasures import officer
from tests.customers.erasure.test_in_ledgers import POLICY
from tests.customers.erasure.test_in_ledgers import officer as giver
from tests.support.databases import Database


@pytest.fixture
def made(database: Database, engine: Engine) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine) as privacy:
        yield privacy


def planned(privacy: Privacy, engine: Engine) -> Any:
    """A plan for the first person."""
    with officer(privacy), Session(engine) as session:
        return privacy.erasure.plan(session, 1)


def test_of_two_erasures_of_one_person_one_is_told_that_they_are_gone(made: Privacy, engine: Engine) -> None:
    plan, ready = planned(made, engine), Barrier(2)

    def erase(_: int) -> str:
        with officer(made):
            ready.wait()
            try:
                made.erasure.run(engine, plan)
            except (PlanMoved, LedgerUnavailable) as error:
                return type(error).__name__
            return "erased"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(erase, range(2)))
    assert told in (["PlanMoved", "erased"], ["LedgerUnavailable", "erased"]), told
    with world.maintenance(made), engine.connect() as connection:
        assert len(connection.execute(select(ERASURES.c.record)).all()) == 1
    with officer(made), pytest.raises(PlanMoved, match="not there any more"):
        made.erasure.run(engine, plan)


def test_a_disclosure_at_the_same_time_comes_before_or_after(database: Database) -> None:
    """Its record names the person, and is written between the erasure's looking and its end."""
    with giving.shop(database, POLICY) as (privacy, engine):
        with giver(privacy), Session(engine) as session:
            plan = privacy.erasure.plan(session, ("customer", giving.ANN))
        given = Event()

        def erase() -> str:
            with giver(privacy):
                given.wait(10)
                try:
                    privacy.erasure.run(engine, plan)
                except PrivacyError as error:
                    return type(error).__name__
            return "erased"

        with ThreadPoolExecutor(1) as pool, giver(privacy), Session(engine) as session:
            told = pool.submit(erase)
            inquiry = {"document_number": "17", "issuing_body": "Police"}
            privacy.disclose(
                session,
                to="police",
                subjects=("customer", giving.ANN),
                categories=["email"],
                ground="inquiry",
                evidence=inquiry,
            )
            given.set()
            with pytest.raises(TimeoutError):
                told.result(0.3)
            session.commit()
            assert told.result(30) == "PlanMoved", "the plan did not know of the record"
            session.rollback()
            plan = privacy.erasure.plan(session, ("customer", giving.ANN))
            session.rollback()
            privacy.erasure.run(engine, plan)
            with pytest.raises(UnknownPerson):
                privacy.disclose(session, to="advertiser", subjects=("customer", giving.ANN), categories=["email"])
            session.rollback()
        with database.engine().connect() as plain:
            assert [name[:7] for name in plain.scalars(select(PROVIDED.c.subject_key))] == ["erased:"]


def test_a_job_that_seals_at_the_same_time_finds_the_rows_gone(
    made: Privacy, engine: Engine, database: Database
) -> None:
    """The steps of the erasure wait for rows that a job holds, and change them as they are then."""
    plan = planned(made, engine)
    changed, goes_on = Event(), Event()

    def job() -> None:
        with world.maintenance(made), engine.begin() as connection:
            connection.execute(update(world.Order).where(world.Order.id == 1).values(note="sealed anew"))
            changed.set()
            goes_on.wait(0.5)

    with ThreadPoolExecutor(1) as pool, officer(made):
        working = pool.submit(job)
        assert changed.wait(10)
        made.erasure.run(engine, plan)
        working.result(10)
    assert [row[0] for row in world.state(made, engine)["orders"]] == [3]
    with world.maintenance(made), engine.begin() as connection:
        late = update(world.Order).where(world.Order.id == 1).values(note="too late")
        assert connection.execute(late).rowcount == 0


@pytest.mark.parametrize("when", ["first", "middle", "last", "recorded", "committed"])
def test_killed_in_the_middle_nobody_is_half_erased(database: Database, when: str) -> None:
    world.filled(database)
    engine = database.engine()
    with world.protected(engine) as privacy:
        before = world.state(privacy, engine)
        plan = planned(privacy, engine)
        engine.dispose()
        child = os.fork()
        if not child:
            _die(privacy, database, plan, when)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        after = world.state(privacy, engine)
        assert (after == before) is (when != "committed")
        with officer(privacy):
            if when == "committed":
                with pytest.raises(PlanMoved, match="not there any more"):
                    privacy.erasure.run(engine, plan)
            else:
                privacy.erasure.run(engine, plan)
        after = world.state(privacy, engine)
    assert [row[0] for row in after["orders"]] == [3]
    if database.backend == "sqlite":
        with closing(sqlite3.connect(str(database.url.database))) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _die(privacy: Privacy, database: Database, plan: Any, when: str) -> None:
    """Kills this process in an erasure."""
    try:
        steps = {"first": 1, "middle": len(plan.steps) // 2, "last": len(plan.steps)}
        done: list[Any] = []

        def step(one: Any) -> None:
            done.append(one)
            if len(done) == steps.get(when):
                os.kill(os.getpid(), signal.SIGKILL)

        module: Any = erasures
        carry_out, record = module.carry_out, module.Erasures._record

        def recorded(*given: Any) -> Any:
            made = record(*given)
            if when == "recorded":
                os.kill(os.getpid(), signal.SIGKILL)
            return made

        module.carry_out = lambda *given: carry_out(*given, step)
        module.Erasures._record = recorded
        engine = next(iter(privacy._installed))
        with officer(privacy):
            privacy.erasure.run(engine, plan)
        if when == "committed":
            os.kill(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(1)
