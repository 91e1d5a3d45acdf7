"""A WITH query of the name that the rule's own subquery selects from, so that the rule asks the attacker."""

from sqlalchemy import exists, literal, select

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order

path = "restricted rows by SQL that carries no rule"
ends = "refused"
purposes = (None,)


def attack(case: Case) -> object:
    case.privacy.restrict(
        Customer, role="clerk", where=lambda c, _: exists().where(Order.customer_id == c.id, Order.status == "mine")
    )
    said = [literal(n).label("customer_id") for n in (1, 2)]
    mine = literal("mine").label("status")
    orders = select(said[0], mine).union_all(select(said[1], mine)).cte("orders")
    emails = select(Customer.email)
    session = case.session
    with case.access("everything"):
        return case.each_refused(
            lambda: session.scalars(emails.where(select(orders.c.status).limit(1).scalar_subquery() == "mine")).all(),
            lambda: session.scalars(emails.add_cte(orders)).all(),
            lambda: session.scalars(emails.join(orders, orders.c.customer_id == Customer.id)).all(),
        )
