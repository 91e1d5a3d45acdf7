"""A person is found by a sealed value, by who may use it."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, canary

purposes = ("everything",)


def work(case: Case) -> object:
    statement = select(Customer.id).where(Customer.passport == canary("customers.passport", 2))
    return case.session.scalars(statement).all()


expect = [2]
