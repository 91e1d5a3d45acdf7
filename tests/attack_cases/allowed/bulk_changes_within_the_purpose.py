"""ORM bulk INSERT with RETURNING, and bulk UPDATE by primary key, of what the purpose covers."""

from sqlalchemy import insert, select, update

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer

purposes = ("campaigns",)


def work(case: Case) -> object:
    session = case.session
    new = [{"name": f"n{n}", "email": f"e{n}", "tier": "x", "kind": "customer"} for n in range(3)]
    made = session.scalars(insert(Customer).returning(Customer.email, sort_by_parameter_order=True), new).all()
    session.execute(update(Customer), [{"id": 1, "email": "one"}, {"id": 2, "email": "two"}])
    changed = session.scalars(select(Customer.email).where(Customer.id < 3).order_by(Customer.id)).all()
    session.rollback()
    return made, changed


expect = (["e0", "e1", "e2"], ["one", "two"])
