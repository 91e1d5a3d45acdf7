"""A rule that asks another table, which the role itself does not reach."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary


def work(case: Case) -> object:
    gold = select(Order.customer_id).where(Order.status == "sent")
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id.in_(gold))
    case.privacy.restrict(Order, role="clerk", where=lambda c, _: c.id == 0)
    with case.access("everything"):
        return [case.session.scalars(select(Customer.email)).all(), case.session.scalars(select(Order.id)).all()]


expect = [[canary("customers.email", 1)], []]
