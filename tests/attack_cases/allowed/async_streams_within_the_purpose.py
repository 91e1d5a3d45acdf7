"""Rows and objects of a stream, and an attribute that is awaited."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary

purposes = ("shipping",)


async def work(case: Case) -> object:
    statement = select(Customer).order_by(Customer.id).execution_options(yield_per=2)
    found = [person.name async for person in await case.async_session.stream_scalars(statement)]
    async with case.async_engine.connect() as connection, connection.stream(select(Customer.name)) as rows:
        return found, sorted([row.name async for row in rows]) == sorted(found)


expect = ([canary("customers.name", row) for row in (1, 2, 3)], True)
