"""Code in the process that has had a value, or looks into memory."""

import gc

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.ways import nothing
from tests.attack_cases.world import Customer

EMAIL = select(Customer.email)


def kept(case: Case) -> object:
    with case.access("campaigns"):
        mine = case.session.scalars(EMAIL).all()
    return list(mine)


def looked_up(case: Case) -> object:
    with case.access("campaigns"):
        rows = case.session.execute(EMAIL).all()
        assert rows
    return [one for one in gc.get_objects() if type(one) is type(rows[0])]


paths = {
    "values kept by Python": nothing(kept),
    "the memory of the process": nothing(looked_up),
}
