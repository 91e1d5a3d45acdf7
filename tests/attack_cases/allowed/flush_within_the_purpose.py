"""An object changed and written under a purpose that covers it."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def work(case: Case) -> object:
    found = case.session.get_one(Customer, 2)
    found.phone = "090-9"
    case.session.commit()
    return found.phone


purposes = ("shipping",)
expect = "090-9"
