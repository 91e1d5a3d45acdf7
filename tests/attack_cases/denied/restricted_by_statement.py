"""Rows that a rule keeps away, reached from where the rule cannot be put: upserts, UPDATE FROM, full joins."""

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary

path = "restricted rows by SQL that carries no rule"
ends = "refused"
purposes = (None,)


def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id == 0)
    dialect = postgresql if case.engine.dialect.name == "postgresql" else sqlite
    new = dialect.insert(Customer).values(id=1, name="x", email="x@example.com")
    session = case.session
    guess = Customer.email == canary("customers.email", 1)
    attempts = [
        lambda: session.execute(new.on_conflict_do_update(index_elements=["id"], set_={"tier": "x"})),
        lambda: session.execute(
            new.on_conflict_do_update(index_elements=["id"], set_={"tier": "x"}).returning(Customer.email)
        ).all(),
        lambda: session.execute(update(Order).where(Order.customer_id == Customer.id, guess).values(status="x")),
        lambda: session.execute(select(Order.id, Customer.email).join(Customer, full=True)).all(),
        lambda: session.execute(select(Customer.email, Order.id).join(Order, full=True)).all(),
    ]
    if dialect is postgresql:
        attempts.append(lambda: session.execute(delete(Order).where(Order.customer_id == Customer.id, guess)))
    with case.access("everything"):
        return case.each_refused(*attempts)
