"""Guesses put into WHERE, and the rows counted."""

from sqlalchemy import func, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "WHERE, COUNT"
ends = "refused"


def attack(case: Case) -> object:
    count = select(func.count()).select_from(Customer)
    return [
        guess for guess in case.guesses("customers.email") if case.session.scalar(count.where(Customer.email == guess))
    ]
