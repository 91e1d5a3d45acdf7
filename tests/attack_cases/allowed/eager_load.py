"""Orders with their customers, loaded eagerly."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Order, canary


def work(case: Case) -> object:
    statement = select(Order).options(joinedload(Order.customer)).order_by(Order.id)
    return [order.customer.name for order in case.session.scalars(statement)]


purposes = ("shipping",)
expect = [canary("customers.name", 1), canary("customers.name", 1), canary("customers.name", 2)]
