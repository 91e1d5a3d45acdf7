"""Counts orders by product: nothing of anyone is named."""

from sqlalchemy import func, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Order, Product


def work(case: Case) -> object:
    statement = select(Product.title, func.count(Order.id)).join(Order).group_by(Product.title).order_by(Product.title)
    return [tuple(row) for row in case.session.execute(statement)]


expect = [("Lamp", 2), ("Umbrella", 1)]
