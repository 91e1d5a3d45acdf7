"""A campaign reaches who agreed, by the library's own ledger: the gate and the ledger together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, aliased

from sa_privacy import Privacy, RowsDenied, UnreadableStatement
from tests.customers.consent.world import Clock, Customer, Order, at_the_desk, filled, opened
from tests.support.databases import Database

CAMPAIGN: dict[str, Any] = {"purpose": "campaigns", "role": "marketing", "actor": "staff:3"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def privacy(database: Database, engine: Engine, clock: Clock) -> Iterator[Privacy]:
    """Ann agreed, Bo said no; Cy and Dee said nothing."""
    filled(database)
    with closing(opened(engine, clock)) as made:
        with at_the_desk(made, engine) as session:
            made.consents.give(session, 1, "campaigns", how="web", language="en")
            made.consents.refuse(session, 2, "campaigns", how="web")
            made.consents.refuse(session, 3, "improvement", how="web")
            session.commit()
        yield made


def names(session: Session) -> list[str]:
    return list(session.scalars(select(Customer.name).order_by(Customer.id)))


def test_a_campaign_reaches_who_agreed_until_they_take_it_back(privacy: Privacy, engine: Engine, clock: Clock) -> None:
    with privacy.access(**CAMPAIGN), Session(engine) as session:
        assert [customer.email for customer in session.scalars(select(Customer))] == ["Ann@example.com"]
        assert session.scalar(select(func.count()).select_from(aliased(Customer))) == 1
        assert names(session) == ["Ann"]
        with pytest.raises(RowsDenied):
            session.execute(text("SELECT name FROM customers"))
        privacy.consents.withdraw(session, 1, "campaigns", how="call")
        assert names(session) == [], "in the same transaction"
        privacy.consents.give(session, 4, "campaigns", how="call", language="ja")
        assert names(session) == ["Dee"], "also somebody whom the campaign did not reach before"
        session.commit()
        session.execute(update(Customer).values(name="x"))
        session.commit()
    clock.passes(days=366)
    with privacy.access(**CAMPAIGN), Session(engine) as session:
        assert names(session) == [], "a consent runs out"
    with privacy.access("shipping", role="desk", actor="staff:1"), Session(engine) as session:
        assert names(session) == ["Ann", "Bo", "Cy", "x"]


def test_silence_means_yes_only_where_the_policy_says_so(privacy: Privacy, engine: Engine) -> None:
    with privacy.access("improvement", role="marketing", actor="staff:3"), Session(engine) as session:
        assert names(session) == ["Ann", "Bo", "Dee"]
        assert session.scalars(select(Order.id).order_by(Order.id)).all() == [1, 2, 4]


async def test_a_campaign_of_an_async_session(database: Database, async_engine: AsyncEngine) -> None:
    filled(database)
    with closing(opened(async_engine.sync_engine, Clock())) as privacy:
        async with AsyncSession(async_engine) as session:
            with privacy.access("shipping", role="desk", actor="staff:17"):
                await session.run_sync(lambda s: privacy.consents.give(s, 1, "campaigns", how="web", language="en"))
                await session.commit()
            with privacy.access(**CAMPAIGN):
                assert (await session.scalars(select(Customer.name))).all() == ["Ann"]


@pytest.mark.backends("postgresql")
def test_another_schemas_ledger_does_not_say_who_agreed(privacy: Privacy, engine: Engine, database: Database) -> None:
    with database.engine().begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA attic")
        connection.exec_driver_sql(
            "CREATE TABLE attic.sa_privacy_consent_state AS TABLE public.sa_privacy_consent_state"
        )
        connection.exec_driver_sql("UPDATE attic.sa_privacy_consent_state SET subject = '2' WHERE subject = '1'")
    for ask in (names, lambda s: s.scalars(select(Customer)).all()):
        with privacy.access(**CAMPAIGN), Session(engine) as session:
            session.execute(text("SET search_path = attic, public"))
            with pytest.raises(
                UnreadableStatement, match="search path makes sa_privacy_consent_state another schema's"
            ):
                ask(session)
            session.rollback()
            assert names(session) == ["Ann"]
