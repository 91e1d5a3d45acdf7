"""People see their orders, with what they ordered and who they are."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary


def work(case: Case) -> object:
    with case.access("account", subject=2):
        session = case.session
        orders = session.scalars(select(Order).options(joinedload(Order.product), joinedload(Order.customer))).all()
        again = session.scalars(select(Customer).options(selectinload(Customer.orders))).all()
        lazily = [order.amount for order in session.get_one(Customer, 2).orders]
        return [
            [(order.amount, order.product.title if order.product else "", order.customer.name) for order in orders],
            [order.amount for me in again for order in me.orders],
            lazily,
        ]


expect = [
    [(canary("orders.amount", 3), "Lamp", canary("customers.name", 2))],
    [canary("orders.amount", 3)],
    [canary("orders.amount", 3)],
]
