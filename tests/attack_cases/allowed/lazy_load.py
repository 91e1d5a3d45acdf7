"""A relationship, loaded when it is asked for."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def work(case: Case) -> object:
    return [order.status for order in case.session.get_one(Customer, 1).orders]


expect = ["open", "sent"]
