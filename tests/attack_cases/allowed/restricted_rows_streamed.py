"""What a rule leaves is streamed, by an alias of any name, also while an access that reaches the same rows does other work."""

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary


def work(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, access: c.id.in_(access.details["mine"]))
    session = case.session
    shown = []
    with case.access("everything", mine=[1, 2]):
        theirs = aliased(Customer, name="whose 100% rows")
        rows = session.execute(select(theirs.email).order_by(theirs.id).execution_options(yield_per=1))
        for email in rows.scalars():
            with case.access("everything", mine=[1, 2]):
                shown.append([email, session.scalar(select(func.count(Order.id)).join(Order.customer))])
    return shown


expect = [[canary("customers.email", 1), 3], [canary("customers.email", 2), 3]]
