"""What only asyncio has: streams, run_sync, awaitable attributes, tasks that go on after their access."""

import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession

from tests.attack_cases.case import Case
from tests.attack_cases.ways import left_out, refused
from tests.attack_cases.world import Customer

PEOPLE, EMAIL = select(Customer).order_by(Customer.id), select(Customer.email)


async def session_streams(case: Case) -> object:
    by_two = {"yield_per": 2}  # whole, a streamed result of asyncpg cannot be read by 2.0.25
    found = await case.async_session.stream_scalars(PEOPLE, execution_options=by_two)
    rows = await case.async_session.stream(PEOPLE, execution_options=by_two)
    return [[one async for one in found], [row async for row in rows]]


async def connection_streams(case: Case) -> object:
    async with case.async_engine.connect() as connection, connection.stream_scalars(EMAIL) as rows:
        return [row async for row in rows]


async def in_sync(case: Case) -> object:
    return await case.async_session.run_sync(lambda session: session.scalars(EMAIL).all())


async def awaited(case: Case) -> object:
    found = await case.async_session.get_one(Customer, 1)
    return await AsyncAttrs.awaitable_attrs.fget(found).email  # type: ignore[attr-defined]


async def outliving(case: Case) -> object:
    gone = asyncio.Event()

    async def work() -> object:
        await gone.wait()
        async with AsyncSession(case.async_engine) as session:
            return (await session.scalars(EMAIL)).all()

    with case.access("everything"):
        task = asyncio.create_task(work())
    gone.set()
    return await task


paths = {
    "AsyncSession.stream": left_out(session_streams),
    "AsyncConnection.stream": refused(connection_streams),
    "run_sync": refused(in_sync),
    "AsyncAttrs": refused(awaited),
    "tasks that outlive a scope": refused(outliving, always=True),
}
