"""Objects are known by the engine they really came through, however the session chose it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Session

from sa_privacy import NoAccess, Privacy, PurposeDenied
from tests.gate.test_memory import ANN, WIDE, holds
from tests.gate.world import Customer


def sharded(shop: Engine) -> ShardedSession:
    """A session that cannot say for a class alone which engine it would use."""

    def by_tier(mapper: Any, instance: Any, clause: Any = None) -> str:
        return "basic" if instance.tier == "basic" else "gold"

    return ShardedSession(
        shards={"basic": shop, "gold": shop},
        shard_chooser=by_tier,
        identity_chooser=lambda *_, **__: ["basic"],
        execute_chooser=lambda _: ["basic"],
    )


def test_an_engine_named_with_the_statement_counts(shop: Engine, privacy: Privacy) -> None:
    with Session() as session:
        with privacy.access(**WIDE):
            found = session.scalars(ANN, bind_arguments={"bind": shop}).one()
            assert found.email == "ann@example.com"
            with privacy.access("shipping"):
                assert not holds(found)
                with pytest.raises(PurposeDenied):
                    _ = found.email
        assert not holds(found)
        with pytest.raises(NoAccess):
            _ = found.email


def test_an_engine_without_a_privacy_named_with_the_statement_is_left_alone(
    shop: Engine, make_engine: Callable[..., Engine], privacy: Privacy
) -> None:
    with Session(shop) as session:
        found = session.execute(select(Customer.id, Customer), bind_arguments={"bind": shop}).first()
        assert found is not None
        assert "segment" not in found[1].__dict__
        session.expunge_all()
        plain = select(Customer.segment).order_by(Customer.id)
        assert session.scalars(plain, bind_arguments={"bind": make_engine()}).first() == "gold"


def test_a_sharded_session_is_guarded_like_another(shop: Engine, privacy: Privacy) -> None:
    with sharded(shop) as session:
        with privacy.access(**WIDE):
            found = session.scalars(ANN).one()
            made = Customer(name="Di", email="ann@example.com", tier="basic")
            session.add(made)
            session.flush()
            with privacy.access("shipping"):
                for one in (found, made):
                    assert not holds(one)
                    assert one.name
                    with pytest.raises(PurposeDenied):
                        _ = one.email
        for one in (found, made):
            assert not holds(one)
            with pytest.raises(NoAccess):
                _ = one.email
        session.rollback()


async def test_an_async_engine_named_with_the_statement_counts(
    shop: Engine, async_engine: AsyncEngine, privacy: Privacy
) -> None:
    privacy.install(async_engine)
    async with AsyncSession() as session:
        with privacy.access(**WIDE):
            found = (await session.scalars(ANN, bind_arguments={"bind": async_engine.sync_engine})).one()
            assert found.email == "ann@example.com"
        assert not holds(found)
        with pytest.raises(NoAccess):
            _ = found.email
    privacy.uninstall(async_engine)
