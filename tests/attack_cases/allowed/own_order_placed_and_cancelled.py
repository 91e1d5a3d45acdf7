"""People place an order, change it and cancel it."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order


def work(case: Case) -> object:
    with case.access("account", subject=2):
        session = case.session
        placed = Order(amount=5, status="open", product_id=1)
        me = session.get_one(Customer, 2)
        me.orders.append(placed)
        session.commit()
        placed.amount, placed.status = 6, "changed"
        session.commit()
        seen = [placed.customer_id, placed.amount, placed.status]
        session.delete(placed)
        session.commit()
        return [*seen, session.get(Order, placed.id) is None]


expect = [2, 6, "changed", True]
