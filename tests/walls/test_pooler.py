"""The wall holds behind a real PgBouncer in transaction mode, whose clients share one connection of the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from sa_privacy import Privacy
from tests.gate.world import EVERYONE
from tests.support.databases import Database
from tests.support.pooler import pgbouncer
from tests.walls.owner import LOGIN

pytestmark = [pytest.mark.backends("postgresql"), pytest.mark.pooler]

ACTING = text("SELECT pg_backend_pid(), current_user::text")


@pytest.fixture
def pooled(database: Database, filled: Engine) -> Iterator[URL]:
    """The application's login, by way of the pooler."""
    filled.dispose()
    with pgbouncer(database.url, LOGIN) as url:
        yield url


@pytest.fixture
def walled(pooled: URL, privacy: Privacy) -> Iterator[Engine]:
    engine = create_engine(pooled, connect_args={"prepare_threshold": None})
    privacy.install(engine, walls=True)
    yield engine
    engine.dispose()


def test_clients_that_share_a_connection_do_not_share_a_role(walled: Engine, privacy: Privacy) -> None:
    seen = []
    with Session(walled) as one, Session(walled) as other:
        for _ in range(3):
            for session, purpose, role in ((one, "shipping", "warehouse"), (other, "campaigns", "marketing")):
                with privacy.access(purpose, role=role):
                    assert len(session.scalars(EVERYONE).all()) == 3
                    seen.append(tuple(session.execute(ACTING).one()))
                    session.commit()
    assert len({pid for pid, _ in seen}) == 1
    assert [role.rpartition("/")[2] for _, role in seen] == ["shipping", "campaigns"] * 3


def test_a_raw_cursor_after_somebody_elses_transaction_has_none_of_their_rights(
    walled: Engine, privacy: Privacy
) -> None:
    with privacy.access("everything", role="clerk"), Session(walled) as session:
        assert len(session.scalars(EVERYONE).all()) == 3
        pid = session.execute(ACTING).one()[0]
        session.commit()
        with closing(walled.raw_connection()) as raw:
            cursor: Any = raw.cursor()
            cursor.execute(str(ACTING))
            assert cursor.fetchone() == (pid, LOGIN)
            with pytest.raises(walled.dialect.loaded_dbapi.errors.InsufficientPrivilege):
                cursor.execute("SELECT email FROM customers")


async def test_asyncpg_behind_the_pooler(pooled: URL, privacy: Privacy) -> None:
    url = pooled.set(drivername="postgresql+asyncpg").update_query_dict({"prepared_statement_cache_size": "0"})
    engine = create_async_engine(url, connect_args={"statement_cache_size": 0})
    privacy.install(engine, walls=True)
    for _ in range(2):
        for purpose, role in (("shipping", "warehouse"), ("campaigns", "marketing")):
            with privacy.access(purpose, role=role):
                async with AsyncSession(engine) as session:
                    assert len((await session.scalars(EVERYONE)).all()) == 3
                    assert (await session.execute(ACTING)).one()[1] == f"sap/gate-tests/{purpose}"
    await engine.dispose()
