"""A ledger that cannot be reached says why, and what to do: its tables are not there, or somebody else is writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import LedgerUnavailable, Privacy
from sa_privacy.customers.consent.tables import CONSENT_STATE, CONSENTS
from tests.customers.consent.world import Clock, Customer, at_the_desk, filled, opened
from tests.support.databases import Database


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    filled(database)
    with closing(opened(engine, Clock())) as made:
        yield made


def dropped(database: Database, name: str) -> None:
    with database.engine().begin() as connection:
        connection.execute(text(f"DROP TABLE {name}"))


@pytest.mark.parametrize("table", [CONSENTS.name, CONSENT_STATE.name, "sa_privacy_wordings"])
def test_a_table_that_is_not_there_is_named(privacy: Privacy, engine: Engine, database: Database, table: str) -> None:
    dropped(database, table)
    with at_the_desk(privacy, engine) as session, pytest.raises(LedgerUnavailable) as told:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
    assert table in told.value.message
    assert "sa-privacy tables upgrade" in (told.value.hint or "")


def test_also_to_a_statement_that_carries_the_question(privacy: Privacy, engine: Engine, database: Database) -> None:
    """The application never named that table, and would wonder."""
    dropped(database, CONSENT_STATE.name)
    with (
        privacy.access("campaigns", role="marketing", actor="staff:1"),
        Session(engine) as session,
        pytest.raises(LedgerUnavailable, match=CONSENT_STATE.name),
    ):
        session.scalars(select(Customer)).all()


def test_a_column_of_a_newer_release_is_told_too(privacy: Privacy, engine: Engine, database: Database) -> None:
    with database.engine().begin() as connection:
        connection.execute(text("ALTER TABLE sa_privacy_consent_state RENAME COLUMN valid_until TO until_when"))
    with at_the_desk(privacy, engine) as session, pytest.raises(LedgerUnavailable, match="not as this release has it"):
        privacy.consents.state(session, 1, "campaigns")
    with (
        privacy.access("campaigns", role="marketing", actor="staff:1"),
        Session(engine) as session,
        pytest.raises(LedgerUnavailable, match="sa_privacy_consent_state,"),
    ):
        session.scalars(select(Customer)).all()


def test_a_column_of_the_application_is_not(privacy: Privacy, engine: Engine, database: Database) -> None:
    """Although the statement names a table of the library's own, which has a column of that name."""
    with database.engine().begin() as connection:
        connection.execute(text("ALTER TABLE customers RENAME COLUMN id TO key"))
    with (
        privacy.access("campaigns", role="marketing", actor="staff:1"),
        Session(engine) as session,
        pytest.raises(DBAPIError),
    ):
        session.scalars(select(Customer)).all()


def test_a_table_of_the_application_that_is_not_there_is_its_own_matter(
    privacy: Privacy, engine: Engine, database: Database
) -> None:
    dropped(database, "orders")
    with at_the_desk(privacy, engine) as session, pytest.raises(DBAPIError, match="orders"):
        session.execute(text("SELECT id FROM orders"))


async def test_under_an_async_driver_as_well(database: Database, async_engine: AsyncEngine) -> None:
    filled(database)
    dropped(database, CONSENTS.name)
    with (
        closing(opened(async_engine.sync_engine, Clock())) as privacy,
        privacy.access("shipping", role="desk", actor="staff:17"),
    ):
        async with AsyncSession(async_engine) as session:
            with pytest.raises(LedgerUnavailable, match=CONSENTS.name):
                await session.run_sync(lambda s: privacy.consents.history(s, 1))


@pytest.mark.backends("sqlite")
def test_a_file_that_somebody_else_writes_to_is_told_as_that(database: Database) -> None:
    """And nothing was entered, so that it can be tried again."""
    filled(database)
    engine = database.engine(connect_args={"timeout": 0.05})
    with closing(opened(engine, Clock())) as privacy, at_the_desk(privacy, engine) as session:
        with database.engine().connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(LedgerUnavailable, match="somebody else is writing") as told:
                privacy.consents.give(session, 1, "campaigns", how="web", language="en")
            assert "try again" in (told.value.hint or "")
            other.rollback()
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.commit()
        assert len(privacy.consents.history(session, 1)) == 1


@pytest.mark.backends("sqlite")
def test_also_where_the_application_has_begun_the_transaction(database: Database) -> None:
    """It has read already, and cannot become the one that writes."""
    filled(database)
    engine = database.engine(connect_args={"timeout": 0.05})
    with closing(opened(engine, Clock())) as privacy, at_the_desk(privacy, engine) as session:
        session.connection().exec_driver_sql("BEGIN")
        privacy.consents.history(session, 1)
        with database.engine().connect() as other:
            other.exec_driver_sql("BEGIN IMMEDIATE")
            with pytest.raises(LedgerUnavailable, match="somebody else is writing"):
                privacy.consents.give(session, 1, "campaigns", how="web", language="en")
            other.rollback()
