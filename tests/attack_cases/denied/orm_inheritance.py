"""Joined inheritance, with_polymorphic, selectin_polymorphic: the columns of the child table."""

from sqlalchemy import select
from sqlalchemy.orm import selectin_polymorphic, with_polymorphic

from tests.attack_cases.case import Case
from tests.attack_cases.ways import left_out, refused
from tests.attack_cases.world import Base, Customer, Vip

BOTH = with_polymorphic(Customer, [Vip])


def loaded(case: Case) -> object:
    return case.each(
        lambda: case.session.scalars(select(Vip)).all(),
        lambda: case.session.scalars(select(BOTH)).all(),
        lambda: case.session.scalars(select(with_polymorphic(Customer, "*", flat=True))).all(),
        lambda: case.session.scalars(select(Customer).options(selectin_polymorphic(Customer, [Vip]))).all(),
    )


def named(case: Case) -> object:
    return case.each(
        lambda: case.session.scalars(select(BOTH.Vip.concierge)).all(),
        lambda: case.session.scalars(select(Base.metadata.tables["vips"].c.concierge)).all(),
        lambda: case.session.scalars(select(Vip.email)).all(),
        lambda: case.session.get_one(Customer, 3).concierge,  # type: ignore[attr-defined]
    )


paths = {"inheritance": left_out(loaded), "a column of a child class": refused(named)}
