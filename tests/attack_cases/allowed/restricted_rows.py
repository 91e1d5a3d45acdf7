"""What a rule leaves is worked with as ever: loads, joins, totals, changes, new rows."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary


def work(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id == access.details["mine"])
    session = case.session
    with case.access("everything", mine=2):
        [person] = session.scalars(select(Customer).options(joinedload(Customer.orders))).unique()
        person.name = "New Name"
        session.add(Customer(id=50, name="x", email="x@example.com"))
        session.commit()
        changed = session.execute(update(Customer).values(tier="gold"))
        session.commit()
        return [
            [person.name, person.email, person.orders[0].amount],
            session.scalar(select(func.count()).select_from(Customer)),
            session.scalars(select(Order.id).join(Order.customer)).all(),
            changed.rowcount,  # type: ignore[attr-defined]
        ]


expect = [["New Name", canary("customers.email", 2), canary("orders.amount", 3)], 1, [3], 1]
