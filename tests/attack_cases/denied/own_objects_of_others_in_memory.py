"""Objects that a wider purpose has loaded, read by somebody who may reach their own rows only."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError

from sa_privacy import PrivacyError
from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "others' rows in memory"
ends = "left out"
purposes = (None,)


def attack(case: Case) -> object:
    session = case.session
    with case.access("everything"):
        people = session.scalars(select(Customer).order_by(Customer.id)).all()
        orders = session.scalars(select(Order).order_by(Order.id)).all()
        assert orders[0].customer is people[0]
        with case.access("account", subject=2):
            return [
                tried(lambda: people[0].email),
                tried(lambda: orders[0].amount),
                tried(lambda: orders[0].customer.phone),
                tried(lambda: [order.amount for order in people[0].orders]),
                tried(lambda: session.get_one(Customer, 1).email),
                tried(lambda: [session.refresh(people[0]), people[0].email]),  # type: ignore[func-returns-value]
                tried(lambda: [session.expire_all(), people[0].name, orders[0].amount]),  # type: ignore[func-returns-value]
                list(session.identity_map.values()),
            ]


def tried(look: Callable[[], object]) -> object:
    try:
        return look()
    except (PrivacyError, InvalidRequestError) as refusal:  # a row that is not theirs is as if it were not there
        return refusal
