"""A bulk INSERT under a purpose that covers it."""

from sqlalchemy import func, insert, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def work(case: Case) -> object:
    people = [{"id": 100 + n, "name": f"n{n}", "email": f"{n}@example.com"} for n in range(50)]
    case.session.execute(insert(Customer), people)
    return case.session.scalar(select(func.count()).select_from(Customer))


purposes = ("everything",)
expect = 53
