"""A job that holds many objects and opens an access for each pays for what each access uses, not for all it holds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, inspect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import Privacy, PurposeDenied
from tests.gate import world
from tests.gate.test_memory import holds
from tests.gate.world import Customer

WIDE: dict[str, Any] = {"purpose": "everything", "role": "clerk", "actor": "staff:1"}


def _kept(session: Session) -> Sequence[Customer]:
    return session.scalars(world.EVERYONE).all()


def _expunged(session: Session) -> Sequence[Customer]:
    found = session.scalars(world.EVERYONE).all()
    session.expunge_all()
    return found


def _closed(session: Session) -> Sequence[Customer]:
    found = session.scalars(world.EVERYONE).all()
    session.close()
    return found


WAYS = pytest.mark.parametrize("way", [_kept, _expunged, _closed], ids=["kept", "expunged", "closed"])


def more(privacy: Privacy, shop: Engine, count: int) -> None:
    with privacy.access(**WIDE), Session(shop) as session:
        session.add_all(
            Customer(name=f"n{i}", email="ann@example.com", phone="1", segment="gold") for i in range(count)
        )
        session.commit()


def calls(work: Callable[[], None]) -> int:
    """How many Python functions are called."""
    count = 0

    def note(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.backends("sqlite")
@WAYS
def test_an_access_for_each_object_costs_the_same_however_many_are_held(
    shop: Engine, privacy: Privacy, way: Callable[[Session], Sequence[Customer]]
) -> None:
    def work(found: Sequence[Customer]) -> None:
        for one in found[3:13]:
            with privacy.access("campaigns"):
                assert one.email
            with privacy.access("shipping"):
                assert one.phone

    counted = []
    for count in (197, 600):
        more(privacy, shop, count)
        with Session(shop) as session, privacy.access(**WIDE):
            found = way(session)
            work(found[-13:])  # the first time, all are looked at
            counted.append(calls(lambda held=found: work(held)))  # type: ignore[misc]
    assert counted[1] < 1.2 * counted[0]


@WAYS
def test_of_many_objects_too_each_access_holds_what_it_covers_and_no_more(
    shop: Engine, privacy: Privacy, way: Callable[[Session], Sequence[Customer]]
) -> None:
    more(privacy, shop, 297)
    with Session(shop) as session, privacy.access(**WIDE):
        found = way(session)
        for _ in range(2):
            with privacy.access("shipping"):
                assert not any(map(holds, found))
                assert all(one.name for one in found)
                with pytest.raises(PurposeDenied):
                    _ = found[-1].email
                with privacy.access("campaigns"):
                    assert all(one.email for one in found[:150])
                    assert not any(one.__dict__.get("phone") for one in found)
                assert not any(map(holds, found))
            assert all(one.email == "ann@example.com" for one in found[3:])
            assert all(one.segment == "gold" and one.phone == "1" for one in found[3:])
    assert not any(map(holds, found))
    with Session(shop) as session, privacy.access(**WIDE):
        again = session.scalars(world.EVERYONE).all()
        assert [one.email for one in again][3:] == ["ann@example.com"] * 297


async def test_nothing_waits_for_an_access_that_has_ended(
    shop: Engine, async_engine: AsyncEngine, privacy: Privacy
) -> None:
    more(privacy, shop, 197)
    privacy.install(async_engine)
    async with AsyncSession(async_engine) as session:
        with privacy.access(**WIDE):
            found = (await session.scalars(world.EVERYONE)).all()
            with privacy.access("shipping"):
                assert not any(map(holds, found))
                assert "ann@example.com" in str(vars(inspect(found[0])))
            assert found[0].email == found[-1].email == "ann@example.com"
        assert not any("ann@example.com" in str(vars(inspect(one))) for one in found)
    privacy.uninstall(async_engine)
