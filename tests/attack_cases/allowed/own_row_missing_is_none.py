"""A page of somebody else's order is a page that is not there."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order


def work(case: Case) -> object:
    with case.access("account", subject=2):
        return [case.session.get(Order, 1), case.session.get(Customer, 1), case.session.get_one(Order, 3).status]


expect = [None, None, "open"]
