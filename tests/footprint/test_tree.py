"""The tree of a compiled statement says what its text says, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Integer,
    and_,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    null,
    or_,
    select,
    text,
    tuple_,
    union,
    update,
)
from sqlalchemy import table as table_
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased, contains_eager, defer, joinedload, load_only, selectinload, with_polymorphic
from sqlalchemy.sql.expression import ColumnElement

from tests.footprint.models import (
    DIALECTS,
    Clerk,
    Contact,
    Customer,
    Guest,
    Order,
    Person,
    Product,
    by_text,
    by_tree,
    comparable,
    compiled,
    loud,
    view,
)
from tests.support.draws import draws

Buyer = aliased(Customer)
Boss = aliased(Person)
customers: Any = Customer.__table__
orders: Any = Order.__table__
products: Any = Product.__table__

SEEN: dict[str, Callable[[], Any]] = {
    "an entity": lambda: select(Customer),
    "by key": lambda: select(Customer).where(Customer.id == 5),
    "by a list": lambda: select(Customer).where(Customer.id.in_([1, 2])),
    "by a column": lambda: select(Customer.email).where(Customer.email == "x", Customer.phone.is_(None)),
    "not null": lambda: select(Customer.id).where(Customer.email.is_not(None)),
    "in a list of texts": lambda: select(Customer.id).where(Customer.email.in_(["a", "b"])),
    "or, not": lambda: select(Customer.id).where(or_(Customer.id == 1, not_(Customer.name.like("x%")))),
    "nested and": lambda: select(Customer.id).where(
        and_(Customer.id == 1, and_(Customer.tier == "x", or_(Customer.id == 2)))
    ),
    "operators": lambda: select(
        Customer.name + Customer.phone, Customer.segment.ilike("x"), Customer.name.startswith("x")
    ),
    "functions": lambda: select(
        func.lower(Customer.email), func.count(), func.count(Customer.id), func.max(Customer.birthday)
    ),
    "a function in a condition": lambda: select(Customer.id).where(func.lower(Customer.email) == "x"),
    "a label": lambda: select(Customer.email.label("e"), (Customer.id + 1).label("n")),
    "ordered": lambda: select(Customer).order_by(Customer.name, Customer.birthday.desc().nulls_last()),
    "ordered by an expression": lambda: select(Customer.id).order_by(func.lower(Customer.name).desc()),
    "grouped": lambda: (
        select(Customer.segment, func.count()).group_by(Customer.segment).having(func.count(Customer.id) > 2)
    ),
    "limited": lambda: select(Customer).limit(5).offset(2),
    "distinct": lambda: select(Customer.segment).distinct(),
    "distinct entities": lambda: select(Customer).distinct(),
    "distinct orders": lambda: select(Order.customer_id, Order.text).distinct(),
    "joined": lambda: select(Order).join(Order.customer).where(Customer.name == "x"),
    "joined by key": lambda: select(Customer).join(Customer.orders).where(Order.customer_id == 4),
    "outer joined by key": lambda: select(Customer, Order).outerjoin(Customer.orders).where(Customer.id == 4),
    "outer joined, pinned on": lambda: select(Customer, Order).outerjoin(
        Order, and_(Order.customer_id == Customer.id, Order.customer_id == 7)
    ),
    "full join": lambda: (
        select(Customer.id).join(Order, Customer.id == Order.customer_id, full=True).where(Customer.id == 1)
    ),
    "two tables": lambda: select(Customer.id, Order.id).where(Customer.id == Order.customer_id, Customer.id == 3),
    "eager": lambda: select(Customer).options(joinedload(Customer.orders)),
    "eager inner": lambda: (
        select(Order).options(joinedload(Order.customer, innerjoin=True)).where(Order.customer_id == 9)
    ),
    "select-in": lambda: select(Customer).options(selectinload(Customer.orders)),
    "contains eager": lambda: select(Order).join(Order.customer).options(contains_eager(Order.customer)),
    "load only": lambda: select(Customer).options(load_only(Customer.tier)),
    "deferred": lambda: select(Customer).options(defer(Customer.email)),
    "an alias": lambda: select(Buyer).where(Buyer.email == "x"),
    "a self join": lambda: select(Person, Boss).join(Person.boss.of_type(Boss)).where(Boss.id == 1),
    "joined inheritance": lambda: select(Clerk).where(Clerk.desk == "a"),
    "single inheritance": lambda: select(Guest),
    "polymorphic": lambda: select(with_polymorphic(Person, [Clerk])),
    "a schema": lambda: select(Contact.phone).where(Contact.id == 1),
    "core": lambda: select(customers).where(customers.c.email == "x"),
    "core columns": lambda: select(customers.c.id, orders.c.note).select_from(customers.join(orders)),
    "a plain table": lambda: select(Product).where(Product.title == "x"),
    "plain and personal": lambda: select(Product.title, Customer.email).join(Customer, Customer.id == Product.id),
    "locked": lambda: select(Customer).where(Customer.id == 1).with_for_update(),
    "a case": lambda: select(case((Customer.tier == "x", Customer.email), else_=Customer.phone)),
    "a cast": lambda: select(cast(Customer.segment, Integer)),
    "null": lambda: select(null(), Customer.id),
    "between": lambda: select(Customer.id).where(Customer.birthday.between("a", "b")),
    "whole inserts": lambda: insert(Customer),
    "an insert": lambda: insert(customers).values(name="a", email="b"),
    "an insert returning": lambda: insert(customers).values(name="a").returning(customers.c.id, customers.c.email),
    "rows": lambda: insert(customers).values([{"name": "a", "id": 1}, {"name": "b", "id": 2}]),
    "an update": lambda: update(customers).values(email="x").where(customers.c.id == 5),
    "an update returning": lambda: (
        update(customers).values(tier="x").where(customers.c.id == 5).returning(customers.c.name)
    ),
    "an update by a list": lambda: update(customers).values(email="x").where(customers.c.id.in_([1])),
    "a delete": lambda: delete(customers).where(customers.c.id == 5, customers.c.email == "x"),
    "a delete of all": lambda: delete(orders),
    "a delete of null": lambda: delete(orders).where(orders.c.note.is_(None)),
    "a plain update": lambda: update(products).values(title="x").where(products.c.id == 1),
    "orm update": lambda: update(Customer).values(name="x").where(Customer.id == 1),
    "orm delete": lambda: delete(Order).where(Order.customer_id == 1),
}

LEFT_TO_THE_TEXT: dict[str, Callable[[], Any]] = {
    "a text": lambda: text("SELECT email FROM customers"),
    "a literal column": lambda: select(Customer.id, literal_column("email")),
    "a text condition": lambda: select(Customer.id).where(text("email = 'x'")),
    "a stand-in": lambda: select(column("email")).select_from(table_("customers")),
    "two sources of one name": lambda: select(aliased(Product, name="customers_1").title, aliased(Customer).tier),
    "a subquery": lambda: select(select(Customer.email).subquery().c.email),
    "a scalar subquery": lambda: select(select(Customer.email).limit(1).scalar_subquery()),
    "an EXISTS": lambda: select(Order.id).where(exists().where(Customer.email == "x")),
    "a WITH query": lambda: select(select(Customer.email).cte().c.email),
    "a union": lambda: union(select(Customer.email), select(Customer.phone)),
    "an unknown function": lambda: select(func.my_score(Customer.email)),
    "a function of a schema": lambda: select(func.app.lower(Customer.email)),
    "a window": lambda: select(func.row_number().over(order_by=Customer.name)),
    "an operator of one's own": lambda: select(Customer.id).where(Customer.email.op("@@")("x")),
    "a prefix": lambda: select(Customer.id).prefix_with("DISTINCT email,"),
    "a suffix": lambda: select(Customer.id).suffix_with("-- x"),
    "a hint": lambda: select(Customer.id).with_hint(Customer, "INDEXED BY x", "sqlite"),
    "ordered by a name": lambda: select(Customer.id, Customer.name).order_by("name"),
    "a type with SQL of its own": lambda: select(loud.c.name),
    "a view": lambda: select(view.c.mail),
    "an insert of a query": lambda: insert(orders).from_select(["note"], select(Order.text)),
    "an insert of an expression": lambda: insert(customers).values(segment=func.lower("x")),
    "an update from": lambda: update(customers).values(tier="x").where(customers.c.id == orders.c.customer_id),
    "an update of an expression": lambda: update(customers).values(segment=customers.c.segment + "x"),
    "a tuple": lambda: select(Customer.id).where(tuple_(Customer.id, Customer.name).in_([(1, "x")])),
    "in a subquery": lambda: select(Customer.id).where(Customer.id.in_(select(Order.customer_id))),
}


@pytest.mark.parametrize("driver", DIALECTS)
@pytest.mark.parametrize("name", SEEN)
def test_the_tree_says_what_the_text_says(name: str, driver: str) -> None:
    result = compiled(SEEN[name](), driver)
    tree = by_tree(result)
    assert tree is not None, result.string
    assert comparable(tree) == comparable(by_text(result)), result.string


@pytest.mark.parametrize("driver", ["sqlite", "psycopg"])
@pytest.mark.parametrize("name", LEFT_TO_THE_TEXT)
def test_what_is_not_known_is_left_to_the_text(name: str, driver: str) -> None:
    assert by_tree(compiled(LEFT_TO_THE_TEXT[name](), driver)) is None


@pytest.mark.parametrize("driver", DIALECTS)
def test_batches_of_the_unit_of_work_are_told_alike(driver: str) -> None:
    result = compiled(insert(customers), driver, column_keys=["name", "email"], for_executemany=True)
    tree = by_tree(result)
    assert tree is not None
    assert comparable(tree) == comparable(by_text(result))


def test_upserts_are_left_to_the_text_and_told_there() -> None:
    on_sqlite = sqlite_insert(customers).values(id=1, name="x")
    result = compiled(
        on_sqlite.on_conflict_do_update(index_elements=["id"], set_={"name": on_sqlite.excluded.name}), "sqlite"
    )
    assert by_tree(result) is None
    assert by_text(result).writes == {"customers.name"}
    on_postgresql = pg_insert(customers).values(id=1, name="x").on_conflict_do_nothing(constraint="uq")
    assert by_tree(compiled(on_postgresql, "psycopg")) is None


def test_without_a_database_to_ask_only_tables_of_the_catalogue_are_told() -> None:
    assert by_tree(compiled(select(Product), "sqlite"), relations=None) is None
    assert by_tree(compiled(select(Customer), "sqlite"), relations=None) is not None


def test_a_translated_schema_is_left_to_the_text() -> None:
    result = compiled(select(Contact.phone), "psycopg", schema_translate_map={"crm": "other"})
    assert by_tree(result) is None


def test_a_compilation_of_ones_own_is_left_to_the_text() -> None:
    class Marked(ColumnElement[str]):
        inherit_cache = True

    @compiles(Marked)
    def render(*_: Any, **__: Any) -> str:
        return "email"

    assert by_tree(compiled(select(Customer.id, Marked()), "sqlite")) is None


_COLUMNS = [
    Customer.id,
    Customer.name,
    Customer.email,
    Customer.segment,
    Customer.tier,
    Order.id,
    Order.customer_id,
    Order.text,
]

_TEXTS = [Customer.name, Customer.email, Customer.segment, Customer.tier, Order.text]


@st.composite
def _value(draw: st.DrawFn, depth: int = 1) -> Any:
    kind = draw(st.integers(0, 5 if depth else 1))
    if kind <= 2:
        return draw(st.sampled_from(_COLUMNS))
    if kind == 3:
        return func.lower(draw(_value(depth - 1)))
    if kind == 4:
        return draw(st.sampled_from(_TEXTS)) + draw(st.sampled_from(_TEXTS))
    return func.coalesce(draw(_value(depth - 1)), "x")


@st.composite
def _condition(draw: st.DrawFn, depth: int = 2) -> Any:
    kind = draw(st.integers(0, 7 if depth else 3))
    if kind == 0:
        return draw(st.sampled_from(_COLUMNS)) == draw(st.sampled_from([1, "x"]))
    if kind == 1:
        return draw(st.sampled_from(_COLUMNS)).in_([1, 2])
    if kind == 2:
        return draw(_value()).is_(None)
    if kind == 3:
        return draw(_value()) == draw(_value())
    if kind == 4:
        return draw(st.sampled_from(_TEXTS)).like("x")
    inner = [draw(_condition(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
    return {5: and_(*inner), 6: or_(*inner), 7: not_(and_(*inner))}[kind]


@st.composite
def _select(draw: st.DrawFn) -> Any:
    joined = draw(st.sampled_from(["join", "outerjoin", "full", "comma"]))
    items = [draw(_value()).label(f"l{i}") for i in range(draw(st.integers(1, 3)))]
    if draw(st.booleans()):
        items = [*items, Customer]
    statement = select(*items)
    on = and_(Order.customer_id == Customer.id, *[draw(_condition(1)) for _ in range(draw(st.integers(0, 1)))])
    if joined == "comma":
        statement = statement.select_from(Customer, Order)
    else:
        statement = statement.select_from(Customer).join(
            Order, on, isouter=joined == "outerjoin", full=joined == "full"
        )
    for _ in range(draw(st.integers(0, 3))):
        statement = statement.where(draw(_condition()))
    if draw(st.booleans()):
        statement = statement.order_by(draw(_value()))
    if draw(st.integers(0, 3)) == 0:
        statement = statement.group_by(draw(_value()))
    if draw(st.integers(0, 3)) == 0:
        statement = statement.distinct()
    return statement


@given(statement=_select(), driver=st.sampled_from(sorted(DIALECTS)))
@settings(max_examples=draws(150), deadline=None)
def test_tree_and_text_agree_on_whatever_is_selected(statement: Any, driver: str) -> None:
    result = compiled(statement, driver)
    tree = by_tree(result)
    assert tree is not None, result.string
    assert comparable(tree) == comparable(by_text(result)), result.string
