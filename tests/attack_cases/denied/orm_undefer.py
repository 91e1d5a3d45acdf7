"""Loader options that ask for exactly the column that is left out."""

from sqlalchemy import select
from sqlalchemy.orm import load_only, undefer

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def attack(case: Case) -> object:
    return case.each(
        lambda: case.session.scalars(select(Customer).options(undefer("*"))).all(),
        lambda: case.session.scalars(select(Customer).options(undefer(Customer.loud_email))).all(),
        lambda: case.session.scalars(select(Customer).options(load_only(Customer.email))).all(),
        lambda: case.session.scalars(select(Customer).options(load_only(Customer.email, raiseload=True))).all(),
    )
