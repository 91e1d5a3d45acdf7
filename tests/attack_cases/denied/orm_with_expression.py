"""A personal column put into a query_expression attribute, under another name."""

from sqlalchemy import select
from sqlalchemy.orm import with_expression

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def attack(case: Case) -> object:
    statement = select(Customer).options(with_expression(Customer.probe, Customer.email))
    return [found.probe for found in case.session.scalars(statement)]
