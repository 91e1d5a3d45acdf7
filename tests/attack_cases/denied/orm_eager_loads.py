"""Every eager loading strategy, one after the other, and what they leave in the objects."""

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, immediateload, joinedload, selectinload, subqueryload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order


def attack(case: Case) -> object:
    people, orders = select(Customer), select(Order).join(Order.customer)
    return case.each(
        lambda: case.session.scalars(people.options(joinedload(Customer.orders))).unique().all(),
        lambda: case.session.scalars(people.options(selectinload(Customer.orders))).all(),
        lambda: case.session.scalars(people.options(subqueryload(Customer.orders))).all(),
        lambda: case.session.scalars(people.options(immediateload(Customer.orders))).all(),
        lambda: (
            case.session.scalars(people.options(joinedload(Customer.referrer).joinedload(Customer.orders)))
            .unique()
            .all()
        ),
        lambda: case.session.scalars(orders.options(contains_eager(Order.customer))).all(),
    )
