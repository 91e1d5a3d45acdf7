"""People see their own row."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary


def work(case: Case) -> object:
    with case.access("account", subject=2):
        return [found.email for found in case.session.scalars(select(Customer))]


expect = [canary("customers.email", 2)]
