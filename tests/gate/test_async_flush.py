"""Flushes through async drivers, which cast their parameters where sync ones do not."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from sa_privacy import Privacy, PurposeDenied
from tests.gate import world
from tests.gate.world import Customer


async def test_columns_that_are_left_empty_are_not_written(
    engine: Engine, async_engine: AsyncEngine, privacy: Privacy
) -> None:
    """A sealed cell and a date are cast (``$1::BYTEA``, ``$2::DATE``); a NULL stays a NULL."""
    privacy.install(engine)
    world.fill(privacy, engine)
    privacy.install(async_engine)
    with privacy.access("campaigns", role="marketing"):
        async with AsyncSession(async_engine) as session:
            session.add(Customer(name="Dee", email="dee@example.com"))
            await session.commit()
            session.add(Customer(name="Di", email="di@example.com", phone="090-4"))
            with pytest.raises(PurposeDenied, match=r"customers\.phone"):
                await session.flush()
    privacy.uninstall(async_engine)
