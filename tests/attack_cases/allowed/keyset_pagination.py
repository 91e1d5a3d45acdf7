"""The next page after the last row seen, by row values."""

from sqlalchemy import select, tuple_

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Product


def work(case: Case) -> object:
    after = (
        select(Product.id).where(tuple_(Product.price, Product.id) > tuple_(20, 1)).order_by(Product.price, Product.id)
    )
    people = select(Customer.id).where(Customer.id > 1).order_by(Customer.id).limit(2)
    return case.session.scalars(after.limit(1)).all(), case.session.scalars(people).all()


expect = ([2], [2, 3])
