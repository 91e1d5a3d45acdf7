"""People change their own details."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def work(case: Case) -> object:
    with case.access("account", subject=2):
        me = case.session.get_one(Customer, 2)
        me.address, me.phone = "3 New Street", "090-9"
        case.session.commit()
        return [me.address, me.phone]


expect = ["3 New Street", "090-9"]
