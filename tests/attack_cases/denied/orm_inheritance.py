"""Joined inheritance, with_polymorphic, selectin_polymorphic: the columns of the child table."""

from sqlalchemy import select
from sqlalchemy.orm import selectin_polymorphic, with_polymorphic

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Vip


def attack(case: Case) -> object:
    session = case.session
    both = with_polymorphic(Customer, [Vip])
    return case.each(
        lambda: session.scalars(select(Vip)).all(),
        lambda: session.scalars(select(both)).all(),
        lambda: session.scalars(select(with_polymorphic(Customer, "*", flat=True))).all(),
        lambda: session.scalars(select(Customer).options(selectin_polymorphic(Customer, [Vip]))).all(),
        lambda: session.scalars(select(both.Vip.concierge)).all(),
        lambda: session.scalars(select(Vip.__table__.c.concierge)).all(),
        lambda: session.scalars(select(Vip.email)).all(),
        lambda: session.get_one(Customer, 3).concierge,  # type: ignore[attr-defined]
    )
