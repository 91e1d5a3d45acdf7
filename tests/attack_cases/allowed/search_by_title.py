"""A search box over titles: LIKE, lower, escaped wildcards, a fixed order."""

from sqlalchemy import func, or_, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Product


def work(case: Case) -> object:
    found = select(Product.title).where(
        or_(Product.title.ilike("%amp%"), func.lower(Product.title).contains("50%", autoescape=True))
    )
    return case.session.scalars(found.order_by(Product.title).limit(10).offset(0)).all()


expect = ["Lamp"]
