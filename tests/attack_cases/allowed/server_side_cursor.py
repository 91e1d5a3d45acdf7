"""Rows of a plain table in portions, from a cursor of the driver."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Product


def work(case: Case) -> object:
    with case.engine.connect().execution_options(yield_per=1) as connection:
        return [row.title for row in connection.execute(select(Product.title).order_by(Product.id))]


expect = ["Umbrella", "Lamp"]
