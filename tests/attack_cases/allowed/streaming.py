"""Rows in partitions."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def work(case: Case) -> object:
    statement = select(Customer.id).order_by(Customer.id).execution_options(yield_per=2)
    return [[row.id for row in part] for part in case.session.execute(statement).partitions()]


expect = [[1, 2], [3]]
