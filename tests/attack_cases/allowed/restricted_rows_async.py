"""An async page over what a rule leaves."""

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary


async def work(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id.in_(access.details["mine"]))
    with case.access("everything", mine=[2]):
        [person] = (await case.async_session.scalars(select(Customer).options(selectinload(Customer.orders)))).all()
        person.address = "3 New Street"
        await case.async_session.commit()
        await case.async_session.refresh(person)
        return [person.address, person.email, [order.id for order in person.orders]]


expect = ["3 New Street", canary("customers.email", 2), [3]]
