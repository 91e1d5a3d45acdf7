"""What the purpose covers is there, sealed or not."""

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary


def work(case: Case) -> object:
    found = case.session.get_one(Customer, 1)
    return found.name, found.phone


purposes = ("shipping",)
expect = (canary("customers.name", 1), canary("customers.phone", 1))
