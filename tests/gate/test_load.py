"""``privacy.load`` gives what the access covers, and refuses as an attribute would: in words, and in the log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import AccessEnded, AccessLog, NoAccess, Privacy, PrivacyError, PurposeDenied, RowsDenied
from tests.gate.watch import events_of, statements
from tests.gate.world import Customer

BO = select(Customer).where(Customer.id == 2)
WIDE: dict[str, Any] = {"purpose": "everything", "role": "clerk", "actor": "staff:1"}
SHIPPING: dict[str, Any] = {"purpose": "shipping", "role": "clerk", "actor": "staff:1"}
OWN: dict[str, Any] = {"purpose": "account", "role": "customer", "subject": 1}


@pytest.fixture
def store(shop: Engine, async_engine: AsyncEngine, privacy: Privacy) -> Iterator[AsyncEngine]:
    """A protected async engine on the shop's database."""
    privacy.install(async_engine)
    yield async_engine
    privacy.uninstall(async_engine)


async def test_what_is_refused_is_written_down(store: AsyncEngine, privacy: Privacy, log: AccessLog) -> None:
    async with AsyncSession(store) as session:
        found = (await session.scalars(BO)).one()
        before = len(events_of(log))
        with privacy.access(**SHIPPING):
            with pytest.raises(PurposeDenied, match=r"customers\.email"):
                await privacy.load(found, "email")
            await privacy.load(found, "town")
        with pytest.raises(NoAccess):
            await privacy.load(found, "email")
        told = [(event.kind, event.decision, list(event.reads)) for event in events_of(log, after=before)]
        assert told[0] == told[-1] == ("use", "denied", ["customers.email"])
        assert [kind for kind, _, _ in told[1:-1]] == ["intent", "outcome"]


async def test_an_access_that_has_ended_says_so(store: AsyncEngine, privacy: Privacy) -> None:
    async with AsyncSession(store) as session:
        found = (await session.scalars(BO)).one()
        with privacy.request() as request:
            request.close()
            with pytest.raises(AccessEnded):
                await privacy.load(found, "name")


async def test_the_row_of_someone_else_is_refused_and_written_down(
    store: AsyncEngine, privacy: Privacy, log: AccessLog
) -> None:
    async with AsyncSession(store) as session:
        found = (await session.scalars(BO)).one()
        before = len(events_of(log))
        with privacy.access(**OWN):
            for names in ([], ["email"]):
                with pytest.raises(RowsDenied):
                    await privacy.load(found, *names)
        told = events_of(log, after=before)
        assert [(event.kind, event.decision, list(event.denials)) for event in told] == [
            ("use", "denied", ["rows of others"])
        ] * 2


async def test_what_waits_aside_of_an_object_without_a_session_is_brought_back(
    store: AsyncEngine, privacy: Privacy, log: AccessLog
) -> None:
    with privacy.access(**WIDE):
        async with AsyncSession(store) as session:
            found = (await session.scalars(BO)).one()
    before = len(events_of(log, "use"))
    with privacy.access(**SHIPPING), statements(store) as sent:
        await privacy.load(found)
        assert (found.__dict__["name"], found.name, "email" in found.__dict__) == ("Bo Peep", "Bo Peep", False)
        assert sent == []
    assert "name" not in found.__dict__
    told = events_of(log, "use")[before:]
    assert {event.decision for event in told} == {"allowed"}
    assert {name for event in told for name in event.reads} == {
        f"customers.{name}" for name in ("name", "phone", "street", "town")
    }
    with privacy.access(**OWN), pytest.raises(RowsDenied):
        await privacy.load(found)


async def test_an_object_that_nothing_can_load_says_so(store: AsyncEngine, privacy: Privacy) -> None:
    async with AsyncSession(store) as session:
        found = (await session.scalars(BO)).one()
    with privacy.access(**SHIPPING), pytest.raises(PrivacyError, match="belongs to no session"):
        await privacy.load(found)


def test_the_row_of_someone_else_in_memory_is_refused_and_written_down(
    session: Session, privacy: Privacy, log: AccessLog
) -> None:
    with privacy.access(**WIDE):
        found = session.scalars(BO).one()
        before = len(events_of(log))
        with privacy.access(**OWN):
            assert "Bo Peep" not in repr(found)
            with pytest.raises(RowsDenied):
                _ = found.name
        told = events_of(log, after=before)
        assert [(event.kind, event.decision, list(event.denials)) for event in told] == [
            ("use", "denied", ["rows of others"])
        ]
