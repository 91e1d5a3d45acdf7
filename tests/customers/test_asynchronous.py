"""What works in transactions of its own takes no asynchronous engine, and says how it is done with one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from sa_privacy import AccessLog, PolicyError, Privacy
from tests.customers.destruction import world
from tests.support.databases import Database

CALLS: dict[str, Callable[[Privacy, Any, Any], object]] = {
    "erasure.plan": lambda privacy, engine, _: privacy.erasure.plan(engine, 1),
    "erasure.run": lambda privacy, engine, plan: privacy.erasure.run(engine, plan),
    "erasure.replay": lambda privacy, engine, _: privacy.erasure.replay(engine),
    "erasure.resume": lambda privacy, engine, _: privacy.erasure.resume(engine),
    "erasure.unknown": lambda privacy, engine, _: privacy.erasure.unknown(engine),
    "erasure.certificate": lambda privacy, engine, _: privacy.erasure.certificate(engine, "1"),
    "retention.plan": lambda privacy, engine, _: privacy.retention.plan(engine),
    "retention.run": lambda privacy, engine, _: privacy.retention.run(engine),
    "holds.guard": lambda privacy, engine, _: privacy.holds.guard(engine),
    "holds.unguarded": lambda privacy, engine, _: privacy.holds.unguarded(engine),
    "holds.in_force": lambda privacy, engine, _: privacy.holds.in_force(engine),
    "holds.place": lambda privacy, engine, _: privacy.holds.place(
        engine, case="7", reason="court", review_by=date(2999, 1, 1), subject=1
    ),
}


@pytest.mark.asyncio
async def test_an_asynchronous_engine_is_told_the_way(
    database: Database, make_async_engine: Callable[..., AsyncEngine], tmp_path: Any
) -> None:
    world.filled(database)
    engine = make_async_engine()
    with (
        world.protected(engine.sync_engine, erasures=AccessLog.open(tmp_path / "erasures")) as privacy,
        privacy.access(actor="officer:1", role="officer", reason="asked for"),
    ):
        async with engine.connect() as connection:
            plan = await connection.run_sync(privacy.erasure.plan, 1)
            await connection.rollback()
            for call in CALLS.values():
                for given in (engine, connection):
                    with pytest.raises(PolicyError, match=r"(?s): Async(Engine|Connection) is no .*run_sync"):
                        call(privacy, given, plan)
            await connection.run_sync(lambda it: privacy.erasure.run(it.engine, plan))
            assert await connection.run_sync(lambda it: privacy.erasure.unknown(it.engine)) == 0
