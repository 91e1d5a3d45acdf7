"""The account page of an async application."""

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary


async def work(case: Case) -> object:
    with case.access("account", subject="2"):
        found = await case.async_session.scalars(select(Customer).options(selectinload(Customer.orders)))
        [me] = found.all()
        me.address = "3 New Street"
        await case.async_session.commit()
        await case.async_session.refresh(me)
        return [me.address, me.email]


expect = ["3 New Street", canary("customers.email", 2)]
