"""Rows that a rule keeps away, by what only asyncio has."""

from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import selectinload

from sa_privacy import PrivacyError
from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "restricted rows by a statement"
ends = "left out"
purposes = (None,)
EMAIL = select(Customer.email)


async def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id == access.details.get("mine", 0))
    session = case.async_session
    with case.access("everything", mine=1):
        person = await session.get_one(Customer, 1)
    found: list[object] = []
    with case.access("everything", mine=0):
        found.append((await session.scalars(EMAIL)).all())
        streamed = await session.stream(EMAIL, execution_options={"yield_per": 1})
        found.extend([row async for row in streamed])
        found.append(await session.run_sync(lambda sync: sync.scalars(EMAIL).all()))
        orders = await session.scalars(select(Order).options(selectinload(Order.customer)))
        found += [order.customer for order in orders]
        for asking in (session.refresh(person), case.privacy.load(person)):
            try:
                await asking
                found.append(person.email)
            except (PrivacyError, InvalidRequestError) as refusal:
                found.append(refusal)
        try:
            found.append(person.email)
        except (PrivacyError, InvalidRequestError) as refusal:
            found.append(refusal)
        found.append(vars(person))
    return found
