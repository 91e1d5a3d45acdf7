"""A column_property, a hybrid and a JSON path over a personal column."""

from sqlalchemy import select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

path = "an attribute that was left out"
ends = "refused"


def attack(case: Case) -> object:
    session = case.session
    found = session.scalars(select(Customer)).all()
    return case.each(
        lambda: session.scalars(select(Customer.loud_email)).all(),
        lambda: session.scalars(select(Customer.contact)).all(),
        lambda: session.scalars(select(Customer.profile["size"].as_string())).all(),
        lambda: [one.loud_email for one in found],
        lambda: [one.contact for one in found],
    )
