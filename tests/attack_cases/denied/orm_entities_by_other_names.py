"""Aliases, subqueries, CTEs, bundles: the entity in other clothes."""

from sqlalchemy import select
from sqlalchemy.orm import Bundle, aliased

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer


def attack(case: Case) -> object:
    inner, cte, other = select(Customer).subquery(), select(Customer).cte(), aliased(Customer)
    statements = (
        select(other),
        select(aliased(Customer, inner)),
        select(inner),
        select(cte),
        select(aliased(Customer, cte)),
        select(Bundle("b", Customer.id, Customer.email)),
        select(Bundle("b", Customer.email, single_entity=True)),
        select(Customer, Customer.email),
        select(Customer.__table__),
        select(*Customer.__mapper__.columns),
        select(inner.c.email),
        select(other.email.label("tier")),
        select(select(Customer.email).label("tier")),
        select(Customer.__table__.table_valued()),
    )
    return case.each(*(lambda s=s: case.session.execute(s).all() for s in statements))
