"""Sums, counts and pages over one's own orders."""

from sqlalchemy import func, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Order, canary


def work(case: Case) -> object:
    with case.access("account", subject=2):
        session = case.session
        return [
            session.scalar(select(func.sum(Order.amount))),
            session.query(Order).count(),
            session.scalars(select(Order.amount).order_by(Order.id.desc()).limit(2)).all(),
            session.scalars(select(Order.amount).order_by(Order.id).offset(1)).all(),
        ]


expect = [canary("orders.amount", 3), 1, [canary("orders.amount", 3)], []]
