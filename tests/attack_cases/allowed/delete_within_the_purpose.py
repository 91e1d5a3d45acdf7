"""Rows deleted under a purpose that may."""

from sqlalchemy import delete, func, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Order


def work(case: Case) -> object:
    case.session.execute(delete(Order).where(Order.status == "sent"))
    return case.session.scalar(select(func.count()).select_from(Order))


purposes = ("billing",)
expect = 2
