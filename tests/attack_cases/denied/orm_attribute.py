"""Simply reading an attribute that was left out."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "an attribute that was left out"
ends = "refused"


def attack(case: Case) -> object:
    return [found.email for found in case.session.scalars(select(Customer))]
