"""What SQLAlchemy renders and throws away, so that its condition would count for a mention in SQL text that has none."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Integer, column, exists, func, join, literal_column, select, values

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, Product

path = "restricted rows by SQL that carries no rule"
ends = "refused"
purposes = (None,)


def statements() -> Iterator[Any]:
    hidden: ColumnElement[Any] = literal_column("(SELECT max(email) FROM customers)")
    start = select(Customer.id).cte("found", recursive=True)
    whole = start.union_all(select(start.c.id + 1).where(start.c.id < 0))
    first, then = (select(query.c.id).scalar_subquery() for query in (start, whole))
    yield select(hidden, first, then)
    yield select(first, then, hidden)
    some = exists().where(Customer.id.is_not(None)).correlate(None)
    yield select(hidden).select_from(Order).with_hint(join(Order, Product, some), "")
    number = select(Customer.id).limit(1).scalar_subquery()
    listed = values(column("n", Integer), name="listed").data([(number,)])
    for about in (listed, func.abs(number)):
        yield select(hidden).select_from(Order).with_hint(about, "")


def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id == 0)
    with case.access("everything"):
        return case.each_refused(*(lambda made=one: case.session.execute(made).all() for one in statements()))
