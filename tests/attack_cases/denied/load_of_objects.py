"""Every way to load whole objects, with their `__dict__` looked through afterwards."""

from sqlalchemy import lambda_stmt, select
from sqlalchemy.ext import baked
from sqlalchemy.orm import aliased, with_loader_criteria

from tests.attack_cases.case import Case
from tests.attack_cases.ways import left_out
from tests.attack_cases.world import Customer

PEOPLE = select(Customer).order_by(Customer.id)
BAKERY = baked.bakery()  # type: ignore[no-untyped-call]
COPY = aliased(Customer, name="c")
INSIDE = aliased(Customer, PEOPLE.subquery())
BESIDE = aliased(Customer, PEOPLE.cte("people"))


def expired(case: Case) -> object:
    found = case.session.get_one(Customer, 1)
    loot = []
    for expire in (case.session.expire_all, case.session.commit, case.session.rollback):
        expire()
        assert found.tier
        loot.append(vars(found).copy())
    return loot


def refreshed(case: Case) -> object:
    found = case.session.get_one(Customer, 1)
    case.session.refresh(found)
    return found


def portions(case: Case) -> object:
    rows = case.session.execute(PEOPLE.execution_options(yield_per=2))
    return [list(part) for part in rows.partitions()], list(case.session.query(Customer).yield_per(2))


def by_lambda(case: Case) -> object:
    statement = lambda_stmt(lambda: select(Customer))
    statement += lambda s: s.where(Customer.id > 0)
    query = BAKERY(lambda session: session.query(Customer))
    return [case.session.scalars(statement).all(), query(case.session).all()]


paths = {
    "select": left_out(lambda case: case.session.scalars(PEOPLE).all()),
    "get": left_out(lambda case: [case.session.get(Customer, 1), case.session.get_one(Customer, 2)]),
    "Query": left_out(
        lambda case: [case.session.query(Customer).all(), case.session.query(Customer).filter_by(id=2).one()]
    ),
    "alias, subquery, CTE of an entity": left_out(
        lambda case: [case.session.scalars(select(one)).all() for one in (COPY, INSIDE, BESIDE)]
    ),
    "rows in portions": left_out(portions),
    "FOR UPDATE": left_out(lambda case: case.session.scalars(PEOPLE.with_for_update()).all()),
    "refresh": left_out(refreshed),
    "an expired attribute": left_out(expired),
    "populate_existing": left_out(
        lambda case: case.session.scalars(PEOPLE, execution_options={"populate_existing": True}).all()
    ),
    "baked and lambda statements": left_out(by_lambda),
    "with_loader_criteria": left_out(
        lambda case: case.session.scalars(PEOPLE.options(with_loader_criteria(Customer, Customer.tier == "gold"))).all()
    ),
}
