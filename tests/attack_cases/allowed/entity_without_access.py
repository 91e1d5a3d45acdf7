"""An entity load without any access gives the plain columns."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def work(case: Case) -> object:
    return [found.tier for found in case.session.scalars(select(Customer).order_by(Customer.id))]


expect = ["gold", "basic", "gold"]
