"""What was emptied unseen is due again once its clock has run again; and it all works in asynchronous applications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.customers.retention import world
from tests.customers.retention.test_actions import OLD_ORDERS, plan
from tests.support.databases import Database

VISITS = {"table": "visits", "clock": "at", "period": "P6M", "action": "anonymise"}


def test_a_row_that_lives_again_is_emptied_again(database: Database, engine: Engine) -> None:
    world.filled(database)
    said = world.policy({"visits": VISITS})
    with world.made(engine, said) as privacy, world.officer(privacy):
        assert privacy.retention.run(engine).rows == 3
        with world.engineer(privacy), engine.begin() as connection:
            again = update(world.Visit).where(world.Visit.id == 1).values(at=datetime.fromisoformat("2026-11-25"))
            connection.execute(again.values(token="written again"))
        assert privacy.retention.run(engine).rows == 0
    with world.made(engine, said, now=datetime(2027, 5, 25, tzinfo=UTC)) as later, world.officer(later):
        assert plan(later, engine)["visits", "visits"].ends == 2  # and the one that was new then
        assert later.retention.run(engine).rows == 2
        assert not [row for row in world.state(later, engine)["visits"] if row[4] in ("written again", "token 2")]
        assert later.retention.run(engine).rows == 0


@pytest.mark.asyncio
async def test_an_asynchronous_connection_runs_it(
    database: Database, make_async_engine: Callable[..., AsyncEngine]
) -> None:
    world.filled(database)
    engine = make_async_engine()
    with world.made(engine.sync_engine, world.policy({"orders": OLD_ORDERS})) as privacy, world.officer(privacy):
        async with engine.connect() as connection:
            found = await connection.run_sync(privacy.retention.plan)
            assert found.due[0].ends == 5
            await connection.rollback()
            report = await connection.run_sync(privacy.retention.run)
        assert report.rows == 5
