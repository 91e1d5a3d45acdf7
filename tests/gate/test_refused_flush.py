"""A flush that is refused leaves nothing half-written: not in the database, not in the session, not in the objects."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import DDL, Engine, func, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import NoAccess, Privacy, PurposeDenied
from tests.gate import world
from tests.gate.world import Customer, Order, Product


def stored(engine: Engine, privacy: Privacy) -> dict[str, list[tuple[object, ...]]]:
    """All that the database holds, through a session of its own."""
    with privacy.access("everything", role="clerk"), Session(engine) as session:
        return {
            "products": [tuple(row) for row in session.execute(select(Product.id, Product.title).order_by(Product.id))],
            "orders": [tuple(row) for row in session.execute(select(Order.id, Order.amount).order_by(Order.id))],
            "customers": [
                tuple(row)
                for row in session.execute(select(Customer.id, Customer.town, Customer.tier).order_by(Customer.id))
            ],
        }


def change(session: Session, ann: Customer, umbrella: Product) -> tuple[Product, Order, Customer]:
    """Covered, plain and uncovered changes in one flush: under "billing" the phone may not be written."""
    umbrella.title = "Parasol"
    ann.tier = "gold"
    hat, order, dee = (
        Product(title="Hat"),
        Order(customer_id=1, amount=7),
        Customer(name="Dee", email="dee@example.com"),
    )
    dee.orders.append(Order(amount=9))
    session.add_all([hat, order, dee])
    return hat, order, dee


def assert_free(*objects: object) -> None:
    """They are their maker's again, as if they had never been added."""
    for one in objects:
        state: Any = inspect(one)
        assert state.transient


def test_nothing_is_half_written_and_all_can_be_used_again(shop: Engine, privacy: Privacy) -> None:
    before = stored(shop, privacy)
    with Session(shop) as session:
        with privacy.access("billing", role="clerk"):
            ann, umbrella = session.get_one(Customer, 1), session.get_one(Product, 1)
            hat, order, dee = change(session, ann, umbrella)
            with pytest.raises(PurposeDenied, match=r"customers\.email"):
                session.flush()
            session.rollback()
            assert not session.new
            assert not session.dirty
            assert (umbrella.title, ann.tier) == ("Umbrella", "basic")
            assert_free(hat, order, dee)
            assert [hat.title, hat.id, order.amount, order.id, dee.name, dee.id] == ["Hat", None, 7, None, "Dee", None]
        assert stored(shop, privacy) == before
        with privacy.access("everything", role="clerk"):
            umbrella.title = "Parasol"
            session.add_all([hat, order, dee])
            session.commit()
            assert (dee.email, [o.amount for o in dee.orders], dee.id is not None) == ("dee@example.com", [9], True)
    after = stored(shop, privacy)
    assert len(after["customers"]) == len(before["customers"]) + 1
    assert len(after["orders"]) == len(before["orders"]) + 2
    assert [title for _, title in after["products"]] == ["Parasol", "Hat"]


def test_a_commit_that_is_refused_writes_nothing(shop: Engine, privacy: Privacy) -> None:
    before = stored(shop, privacy)
    with Session(shop) as session:
        ann, umbrella = session.get_one(Customer, 1), session.get_one(Product, 1)
        change(session, ann, umbrella)
        with pytest.raises(NoAccess):
            session.commit()
        session.rollback()
        assert umbrella.title == "Umbrella"
        umbrella.title = "Parasol"
        session.commit()
    after = stored(shop, privacy)
    assert after.pop("products") == [(1, "Parasol")]
    before.pop("products")
    assert after == before


def test_the_savepoint_is_undone_and_the_transaction_goes_on(shop: Engine, privacy: Privacy) -> None:
    with Session(shop) as session, privacy.access("billing", role="clerk"):
        session.add(Product(title="Kept"))
        session.flush()
        ann, umbrella = session.get_one(Customer, 1), session.get_one(Product, 1)
        savepoint = session.begin_nested()
        hat, *_ = change(session, ann, umbrella)
        with pytest.raises(PurposeDenied):
            session.flush()
        savepoint.rollback()
        assert inspect(hat).transient
        assert (umbrella.title, ann.tier) == ("Umbrella", "basic")
        session.add(Order(customer_id=2, amount=11))
        session.commit()
    after = stored(shop, privacy)
    assert [title for _, title in after["products"]] == ["Umbrella", "Kept"]
    assert [amount for _, amount in after["orders"]] == [10, 20, 30, 11]
    assert [tier for _, _, tier in after["customers"]] == ["basic"] * 3


def test_one_row_of_many_that_is_not_covered_undoes_the_rest(shop: Engine, privacy: Privacy) -> None:
    before = stored(shop, privacy)
    with Session(shop) as session, privacy.access("campaigns", role="marketing"):
        people = [Customer(name=f"N{i}", email=f"{i}@example.com") for i in range(30)]
        people[29].phone = "090-9"
        session.add_all(people)
        with pytest.raises(PurposeDenied, match=r"customers\.phone"):
            session.flush()
        session.rollback()
        assert session.scalar(select(func.count()).select_from(Customer)) == 3
    assert stored(shop, privacy) == before


async def test_async_sessions_leave_nothing_either(engine: Engine, async_engine: AsyncEngine, privacy: Privacy) -> None:
    privacy.install(engine)
    world.fill(privacy, engine)
    privacy.install(async_engine)
    before = stored(engine, privacy)
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        with privacy.access("billing", role="clerk"):
            ann, umbrella = await session.get_one(Customer, 1), await session.get_one(Product, 1)
            hat, order, dee = change(session.sync_session, ann, umbrella)
            with pytest.raises(PurposeDenied, match=r"customers\.email"):
                await session.flush()
            await session.rollback()
            assert_free(hat, order, dee)
            await session.refresh(umbrella)
            assert umbrella.title == "Umbrella"
            await session.rollback()
        assert stored(engine, privacy) == before
        with privacy.access("everything", role="clerk"):
            session.add_all([hat, order, dee])
            await session.commit()
            assert dee.id is not None
    assert len(stored(engine, privacy)["orders"]) == len(before["orders"]) + 2
    privacy.uninstall(async_engine)


@pytest.mark.backends("postgresql")
def test_a_savepoint_is_rolled_back_after_what_the_database_refused(shop: Engine, privacy: Privacy) -> None:
    """A transaction that has failed cannot be asked anything, and after DDL there is something to ask."""
    with privacy.access(maintenance=True, role="engineer"), shop.begin() as connection:
        with pytest.raises(DBAPIError, match="UndefinedTable"), connection.begin_nested():
            connection.execute(DDL("CREATE INDEX i ON nowhere (id)"))  # type: ignore[no-untyped-call]
        assert connection.scalar(select(func.count(Product.id))) == 1
