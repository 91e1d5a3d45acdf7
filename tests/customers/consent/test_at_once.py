"""Many write and ask at once: there is one order of what was said, and one state."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import ConsentRefused, Privacy
from sa_privacy.customers.consent.entry import ConsentEntry
from sa_privacy.customers.consent.tables import CONSENT_STATE, CONSENTS
from tests.customers.consent.world import Clock, Customer, at_the_desk, filled, opened
from tests.support.databases import Database

WORKERS = 6


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    filled(database)
    with closing(opened(engine, Clock())) as made:
        yield made


def _chain(database: Database) -> tuple[list[Any], Any]:
    """What the database holds: said and record along the chain, and the one state."""
    with database.engine().connect() as plain:
        c = CONSENTS.c
        rows = {row.previous: row for row in plain.execute(select(c.id, c.record, c.previous, c.said))}
        state = plain.execute(select(CONSENT_STATE.c.said, CONSENT_STATE.c.record)).one()
    chain, before = [], None
    while before in rows:
        chain.append(rows[before])
        before = rows[before].record
    assert len(chain) == len(rows), "every entry is in the chain"
    assert [row.id for row in chain] == sorted(row.id for row in chain), "in the order in which it was written"
    assert (chain[-1].said, chain[-1].record) == tuple(state)
    return [row.said for row in chain], state


def test_first_entries_at_once_become_one_order(privacy: Privacy, engine: Engine, database: Database) -> None:
    """Nobody has a row to wait for yet. The same, said twice in a moment, counts once."""
    ready = Barrier(WORKERS)

    def enter(number: int) -> str:
        with at_the_desk(privacy, engine) as session:
            ready.wait()
            try:
                if number % 2:
                    privacy.consents.give(session, 1, "campaigns", how="web", language="en")
                else:
                    privacy.consents.refuse(session, 1, "campaigns", how="web")
                session.commit()
            except ConsentRefused:
                return "refused"
            return "entered"

    with ThreadPoolExecutor(WORKERS) as pool:
        told = list(pool.map(enter, range(WORKERS)))
    said, _ = _chain(database)
    assert len(said) == told.count("entered") >= 1
    assert all(one != other for one, other in pairwise(said)), "never the same twice in a moment"


def test_many_withdrawals_at_once_take_back_one_consent(privacy: Privacy, engine: Engine, database: Database) -> None:
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.commit()
    ready = Barrier(WORKERS)

    def withdraw(_: int) -> bool:
        with at_the_desk(privacy, engine) as session:
            ready.wait()
            try:
                privacy.consents.withdraw(session, 1, "campaigns", how="web")
            except ConsentRefused:
                return False
            session.commit()
            return True

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(withdraw, range(WORKERS))) == 1
    assert _chain(database)[0] == ["given", "withdrawn"]


def test_who_comes_second_goes_by_what_the_first_said(privacy: Privacy, engine: Engine, database: Database) -> None:
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.commit()
    started = Event()

    def give() -> ConsentEntry:
        with at_the_desk(privacy, engine) as session:
            started.set()
            entry = privacy.consents.give(session, 1, "campaigns", how="web", language="en")
            session.commit()
            return entry

    with ThreadPoolExecutor(1) as pool, at_the_desk(privacy, engine) as session:
        withdrawn = privacy.consents.withdraw(session, 1, "campaigns", how="web")
        given = pool.submit(give)
        started.wait()
        time.sleep(0.3)
        assert not given.done()
        session.commit()
        assert given.result(timeout=10).previous == withdrawn.id
    assert _chain(database)[0] == ["given", "withdrawn", "given"]


def test_sent_again_at_once_with_a_key_is_entered_once(privacy: Privacy, engine: Engine, database: Database) -> None:
    ready = Barrier(WORKERS)

    def give(_: int) -> str:
        with at_the_desk(privacy, engine) as session:
            ready.wait()
            entry = privacy.consents.give(session, 1, "campaigns", how="web", language="en", idempotency_key="k")
            session.commit()
            return entry.id

    with ThreadPoolExecutor(WORKERS) as pool:
        assert len(set(pool.map(give, range(WORKERS)))) == 1
    assert _chain(database)[0] == ["given"]


@pytest.mark.backends("postgresql")
def test_a_withdrawal_waits_for_whoever_is_giving_data_away(privacy: Privacy, engine: Engine) -> None:
    """So it comes before, and is seen, or after: never in between."""
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "advertiser", how="web", language="en")
        session.commit()
    started = Event()

    def withdraw() -> float:
        with at_the_desk(privacy, engine) as session:
            started.set()
            privacy.consents.withdraw(session, 1, "advertiser", how="web")
            session.commit()
            return time.monotonic()

    with ThreadPoolExecutor(1) as pool, at_the_desk(privacy, engine) as session:
        port = privacy.consents.port
        assert port.agreed(session.connection(), "advertiser", "customer", [1]) == {1}
        withdrawn = pool.submit(withdraw)
        started.wait()
        time.sleep(0.3)
        assert not withdrawn.done()
        given_away = time.monotonic()
        session.commit()
        assert withdrawn.result(timeout=10) >= given_away
        assert port.agreed(session.connection(), "advertiser", "customer", [1]) == frozenset()


@pytest.mark.backends("postgresql")
def test_a_condition_sees_a_committed_withdrawal_with_the_next_statement(
    privacy: Privacy, engine: Engine, database: Database
) -> None:
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.commit()
    statement = select(Customer.id).where(privacy.consents.port.condition("campaigns", "customer", Customer.id))
    with Session(database.engine()) as campaign, at_the_desk(privacy, engine) as session:
        assert campaign.scalars(statement).all() == [1]
        privacy.consents.withdraw(session, 1, "campaigns", how="call")
        assert campaign.scalars(statement).all() == [1]
        session.commit()
        assert campaign.scalars(statement).all() == [], "in the transaction that saw it before"


async def test_an_async_session_runs_it_in_its_own_transaction(database: Database, async_engine: AsyncEngine) -> None:
    filled(database)
    with (
        closing(opened(async_engine.sync_engine, Clock())) as privacy,
        privacy.access("shipping", role="desk", actor="staff:17"),
    ):

        def give(session: Session) -> ConsentEntry:
            return privacy.consents.give(session, 1, "campaigns", how="web", language="en")

        async with AsyncSession(async_engine) as session:
            await session.run_sync(give)
            await session.rollback()
            assert await session.run_sync(lambda s: privacy.consents.history(s, 1)) == []
            entry = await session.run_sync(give)
            await session.commit()
            assert await session.run_sync(lambda s: privacy.consents.history(s, 1)) == [entry]
            agreed = await session.run_sync(
                lambda s: privacy.consents.port.agreed(s.connection(), "advertiser", "customer", [1])
            )
            assert agreed == frozenset()
