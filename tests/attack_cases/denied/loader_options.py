"""Every loader strategy of a relationship or column, and what it leaves in the objects."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import (
    contains_eager,
    defaultload,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    raiseload,
    selectinload,
    subqueryload,
    undefer,
    undefer_group,
    with_expression,
)

from tests.attack_cases.case import Case
from tests.attack_cases.ways import left_out, refused
from tests.attack_cases.world import Customer, Order

PEOPLE = select(Customer).order_by(Customer.id)


def loaded(case: Case, *options: Any) -> object:
    found = case.session.scalars(PEOPLE.options(*options)).unique().all()
    return [found, [person.orders for person in found]]


def raising(case: Case) -> object:
    found = case.session.scalars(PEOPLE.options(raiseload("*"))).all()
    try:
        return found[0].orders
    except InvalidRequestError:
        return found


def lazily(case: Case) -> object:
    found = case.session.scalars(PEOPLE.options(lazyload(Customer.orders), defaultload(Customer.orders))).all()
    stranger = Order(customer_id=1)
    case.session.enable_relationship_loading(stranger)
    return [[order.customer for order in person.orders] for person in found], [stranger.customer]


def columns(case: Case) -> object:
    options: tuple[Any, ...] = (undefer("*"), undefer(Customer.loud_email), undefer_group("none"), defer(Customer.tier))
    options = (*options, load_only(Customer.email), load_only(Customer.email, raiseload=True))
    return [
        case.session.scalars(PEOPLE.options(one).execution_options(populate_existing=True)).all() for one in options
    ]


def joined(case: Case) -> object:
    statement = select(Order).join(Order.customer).options(contains_eager(Order.customer))
    return [order.customer for order in case.session.scalars(statement)]


def dynamic(case: Case) -> object:
    found = case.session.get_one(Customer, 1)
    return [found.orders_dynamic.all(), found.orders_dynamic.filter_by(status="open").all()]


paths = {
    "lazy load": left_out(lazily),
    "joinedload": left_out(
        lambda case: loaded(case, joinedload(Customer.orders), joinedload(Customer.referrer, innerjoin=True))
    ),
    "selectinload": left_out(lambda case: loaded(case, selectinload(Customer.orders))),
    "subqueryload": left_out(lambda case: loaded(case, subqueryload(Customer.orders))),
    "immediateload": left_out(lambda case: loaded(case, immediateload(Customer.orders))),
    "contains_eager": left_out(joined),
    "raiseload, noload": left_out(raising),
    "dynamic": left_out(dynamic),
    "write_only": left_out(
        lambda case: case.session.scalars(case.session.get_one(Customer, 1).orders_write_only.select()).all()
    ),
    "undefer, defer, load_only": left_out(columns),
    "with_expression": refused(
        lambda case: [
            found.probe
            for found in case.session.scalars(PEOPLE.options(with_expression(Customer.probe, Customer.email)))
        ]
    ),
}
