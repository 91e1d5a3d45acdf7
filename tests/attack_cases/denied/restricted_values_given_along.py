"""The values of a rule, given with the statement under the names that they have in it."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, event, select, update
from sqlalchemy.orm import joinedload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "restricted rows by a statement"
ends = "left out"
purposes = (None,)
NAMES = tuple(f"sa_privacy_rule_{number}" for number in range(1, 5))
EMAILS = select(Customer.email)
CHANGE = update(Customer).values(tier=Customer.tier).returning(Customer.email)
ORDERS = select(Order).options(joinedload(Order.customer))


def names_in(case: Case) -> set[str]:
    """What they are called in statements that are kept: every execution tells."""
    told: set[str] = set()

    def note(*said: Any) -> None:
        told.update(said[4].compiled.bind_names.values())

    event.listen(case.engine, "before_cursor_execute", note)
    for statement in (EMAILS, CHANGE, ORDERS):
        case.session.execute(statement).all()
        case.session.connection().execute(statement).all()
    event.remove(case.engine, "before_cursor_execute", note)
    return told


def values() -> Iterator[Mapping[str, Any]]:
    yield {name: [1, 2, 3] for name in NAMES}
    yield dict.fromkeys(NAMES, 1)
    yield {f"{name}_{at}": at for name in NAMES for at in range(1, 4)}


def attack(case: Case) -> object:
    session = case.session
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id.in_(access.details["mine"]))
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id == access.details["one"])
    named: BindParameter[Any] = bindparam("name", "x")
    loot: list[object] = []
    with case.access("everything", mine=[0], one=0):
        told = names_in(case)
        for given in (*values(), {name: [1, 2, 3] for name in told}, dict.fromkeys(told, 1)):
            loot += [
                session.scalars(EMAILS, given).all(),
                session.scalars(EMAILS.params(**given)).all(),
                session.scalars(EMAILS.where(Customer.name != named), {"name": "x", **given}).all(),
                session.connection().scalars(EMAILS, given).all(),
                [order.customer for order in session.scalars(ORDERS, given)],
                session.scalars(CHANGE, given).all(),
                session.scalars(delete(Customer).returning(Customer.email), given).all(),
            ]
    return loot
