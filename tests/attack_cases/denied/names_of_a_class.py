"""A personal attribute named through the class: alone, in a Bundle, in every method of Query that takes one."""

import warnings
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.exc import SADeprecationWarning
from sqlalchemy.orm import Bundle, Query

from tests.attack_cases.case import Case
from tests.attack_cases.ways import Way, refused
from tests.attack_cases.world import Customer, canary

EMAIL = Customer.email
FIRST = canary("customers.email", 1)
Asked = Callable[[Query[Customer]], object]


def each(*asked: Asked, learns: bool = False) -> Way:
    return refused(lambda case: case.each(*(lambda a=a: a(case.session.query(Customer)) for a in asked)), learns=learns)


def deprecated(asked: Asked) -> Asked:
    def ask(query: Query[Customer]) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SADeprecationWarning)
            return asked(query)

    return ask


def statements(case: Case) -> object:
    query = case.session.query(EMAIL)
    return case.each(
        lambda: case.session.execute(query.statement).all(),
        lambda: case.session.execute(select(query.limit(1).label("l"))).all(),
        lambda: case.session.execute(select(query.limit(1).scalar_subquery())).all(),
        lambda: case.session.execute(select(query.subquery())).all(),
    )


paths = {
    "attribute of a class": each(
        lambda q: q.with_entities(EMAIL).all(),
        lambda q: q.add_columns(EMAIL).all(),
        lambda q: q.session.query(EMAIL, Customer.id).all(),
        lambda q: q.session.execute(select(EMAIL)).all(),
        lambda q: q.session.execute(select(Customer.id, func.lower(EMAIL))).all(),
    ),
    "Query.value, values, scalar": each(
        deprecated(lambda q: q.filter(Customer.id == 1).value(EMAIL)),
        deprecated(lambda q: list(q.values(EMAIL))),
        lambda q: q.session.query(EMAIL).filter(Customer.id == 1).scalar(),
    ),
    "Bundle": each(
        lambda q: q.session.query(Bundle("b", Customer.id, EMAIL)).all(),
        lambda q: q.session.execute(select(Bundle("b", Bundle("inner", EMAIL)))).all(),
    ),
    "column_property, hybrid, JSON path": each(
        lambda q: q.session.execute(select(Customer.loud_email)).all(),
        lambda q: q.session.execute(select(Customer.contact)).all(),
        lambda q: q.session.execute(select(Customer.profile["size"].as_string())).all(),
    ),
    "filters and order of Query": each(
        lambda q: q.filter(EMAIL == FIRST).count(),
        lambda q: q.filter_by(email=FIRST).all(),
        lambda q: q.where(EMAIL.like("e%")).all(),
        lambda q: q.order_by(EMAIL).all(),
        lambda q: q.with_entities(Customer.tier).group_by(EMAIL, Customer.tier).all(),
        lambda q: q.with_entities(Customer.tier).group_by(Customer.tier).having(func.max(EMAIL) > "e").all(),
        lambda q: q.with_entities(func.count(EMAIL.distinct())).scalar(),
        lambda q: q.session.query(q.filter(EMAIL == FIRST).exists()).scalar(),
        lambda q: q.join(Customer.orders.and_(EMAIL == FIRST)).all(),
        learns=True,
    ),
    "Query.statement, label, scalar_subquery": refused(statements),
    "hints, prefixes and suffixes": each(
        lambda q: q.with_entities(Customer.tier).suffix_with("UNION SELECT email FROM customers").all(),
        lambda q: q.with_entities(Customer.tier).prefix_with("email,").all(),
        lambda q: q.with_entities(Customer.tier).with_statement_hint("UNION SELECT email FROM customers").all(),
    ),
}
