"""`session.get` under a narrower purpose, of an object that a wider one has filled."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "identity map under a narrower access"
ends = "refused"
purposes = (None,)


def attack(case: Case) -> object:
    with case.access("campaigns"):
        kept = case.session.scalars(select(Customer)).all()
        assert kept[0].points
        with case.access("shipping"):
            again = case.session.get_one(Customer, 1)
            rows = case.session.scalars(select(Customer)).all()
            return [again, *rows, case.each(lambda: again.points)]
