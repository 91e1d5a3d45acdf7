"""Refresh, expire, populate_existing and session.get, by name and whole."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def attack(case: Case) -> object:
    session = case.session
    found = session.get_one(Customer, 1)
    return case.each(
        lambda: [session.refresh(found), found],
        lambda: [session.refresh(found, ["email"]), found],
        lambda: [session.refresh(found, ["email", "tier"]), found],
        lambda: [session.refresh(found, with_for_update=True), found],
        lambda: [session.expire(found, ["email"]), found.email],
        lambda: [session.expire(found), found.tier, found],
        lambda: session.scalars(select(Customer).execution_options(populate_existing=True)).all(),
        lambda: session.get(Customer, 1, populate_existing=True),
        lambda: session.get(Customer, 3),
        lambda: [session.commit(), found.points],
    )
