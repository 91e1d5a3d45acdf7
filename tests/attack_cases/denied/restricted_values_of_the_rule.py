"""The values of a rule, given with the statement under the names that they have in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, select, update
from sqlalchemy.orm import joinedload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "restricted rows by a statement"
ends = "left out"
purposes = (None,)
NAMES = tuple(f"sa_privacy_rule_{number}" for number in range(1, 5))
EMAILS = select(Customer.email)


def values() -> Iterator[Mapping[str, Any]]:
    yield {name: [1, 2, 3] for name in NAMES}
    yield dict.fromkeys(NAMES, 1)
    yield {f"{name}_{at}": at for name in NAMES for at in range(1, 4)}


def attack(case: Case) -> object:
    session = case.session
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id.in_(access.details["mine"]))
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id == access.details["one"])
    orders = select(Order).options(joinedload(Order.customer))
    named: BindParameter[Any] = bindparam("name", "x")
    loot: list[object] = []
    with case.access("everything", mine=[0], one=0):
        for given in values():
            loot += [
                session.scalars(EMAILS, given).all(),
                session.scalars(EMAILS.params(**given)).all(),
                session.scalars(EMAILS.where(Customer.name != named), {"name": "x", **given}).all(),
                session.connection().scalars(EMAILS, given).all(),
                [order.customer for order in session.scalars(orders, given)],
                session.scalars(update(Customer).values(tier="x").returning(Customer.email), given).all(),
                session.scalars(delete(Customer).returning(Customer.email), given).all(),
            ]
    return loot
