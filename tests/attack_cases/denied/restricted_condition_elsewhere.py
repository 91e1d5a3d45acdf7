"""A condition of the rule's in some other place, so that it might pass for one of a mention in SQL text, which has none."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Integer,
    column,
    delete,
    exists,
    func,
    insert,
    join,
    lateral,
    literal,
    literal_column,
    select,
    text,
    true,
    update,
    values,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement

from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, Product

path = "restricted rows by SQL that carries no rule"
ends = "refused"
purposes = (None,)
HIDDEN = "(SELECT max(email) FROM customers)"


class Shown(ColumnElement[str]):
    """Renders a subquery once to throw it away, and once more under another name."""

    inherit_cache = False

    def __init__(self, query: Any, times: int) -> None:
        self.query = query
        self.times = times


@compiles(Shown)
def _shown(element: Shown, compiler: Any, **kwargs: Any) -> str:
    rendered = [compiler.process(element.query, **kwargs) for _ in range(element.times)]
    return HIDDEN if element.times < 3 else f"coalesce({rendered[0]}, {HIDDEN})"


def statements(backend: str) -> Iterator[Any]:
    hidden: ColumnElement[str] = literal_column(HIDDEN)
    mention = select(Customer.id)
    one = mention.limit(1).scalar_subquery()
    there = exists().where(Customer.id.is_not(None)).correlate(None)
    for times in (1, 2, 3):
        yield select(Shown(one, times))
    # WITH queries: one within another, one that nothing selects from, a recursive one whose beginning is replaced
    inner = mention.cte("inner_one")
    outer = select(inner.c.id).cte("outer_one")
    yield select(hidden, outer.c.id)
    yield select(hidden).add_cte(inner)
    yield select(hidden, select(mention.cte("nested_one", nesting=True).c.id).limit(1).scalar_subquery())
    start = mention.cte("found", recursive=True)
    whole = start.union_all(select(start.c.id + 1).where(start.c.id < 0))
    yield select(hidden, whole.c.id)
    yield select(hidden, *(select(query.c.id).scalar_subquery() for query in (start, whole)))
    # what is about a table, and names none of its rows
    shop = select(hidden).select_from(Order)
    listed = values(column("n", Integer), name="listed").data([(one,)])
    for about in (listed, func.abs(one), join(Order, Product, there), Customer.__table__):
        yield shop.with_hint(about, "")
        yield shop.with_hint(about, "/* %(name)s */")
    yield shop.with_statement_hint("/* customers */")
    yield shop.prefix_with(text("ALL")).where(there)
    yield shop.suffix_with(text("UNION SELECT email FROM customers"))
    # text that has its mention, and is bound to one that is limited
    yield select(hidden).where(there)
    yield select(text("c.email")).select_from(text("customers AS c")).where(there)
    yield select(literal_column("c.email")).where(there).select_from(text("customers JOIN customers AS c ON true"))
    yield (
        select(literal_column("c.email"))
        .where(there)
        .where(text("1 = 1"))
        .select_from(text("customers, customers AS c"))
    )
    yield select(Order.id, literal_column("(SELECT email FROM customers c WHERE c.id = orders.customer_id)"))
    yield select(Order.id, hidden).where(exists().where(Customer.id == Order.customer_id))
    yield select(Customer.id).union_all(select(hidden))
    yield select(Customer.id, hidden).group_by(Customer.id).having(literal_column(f"{HIDDEN} > ''"))
    yield select(Customer.id).order_by(literal_column(HIDDEN))
    if backend == "postgresql":
        beside = lateral(mention.where(Customer.id == Order.customer_id), name="beside")
        yield select(Order.id, beside.c.id, hidden).join(beside, true())
        yield select(listed.c.n, hidden)
        yield select(Customer.id, hidden).with_for_update(of=Customer)


def changes(backend: str) -> Iterator[Any]:
    hidden: ColumnElement[str] = literal_column(HIDDEN)
    there = exists().where(Customer.id.is_not(None)).correlate(None)
    yield update(Order).values(status="x").where(there).returning(hidden)
    yield update(Customer).values(tier="x").returning(hidden)
    yield update(Customer).values(tier=hidden)
    yield delete(Order).where(there).returning(hidden)
    yield delete(Customer).where(Customer.email == hidden)
    yield insert(Product).values(title="x", id=select(Customer.id + 90).limit(1).scalar_subquery()).returning(hidden)
    dialect = postgresql if backend == "postgresql" else sqlite
    new = dialect.insert(Customer).values(id=1, name="x", email="x@example.com")
    some = select(Customer.tier).limit(1).scalar_subquery()
    yield new.on_conflict_do_update(index_elements=["id"], set_={"tier": some})
    yield new.on_conflict_do_update(
        index_elements=["id"], set_={"tier": "x"}, where=literal(1).in_(select(Customer.id))
    )
    yield new.on_conflict_do_update(index_elements=["id"], set_={"tier": "x"}).add_cte(select(Customer.id).cte("some"))


def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id == 0)
    made = [*statements(case.backend), *changes(case.backend)]
    with case.access("everything"):
        return case.each_refused(*(lambda one=one: ran(case, one) for one in made))


def ran(case: Case, statement: Any) -> object:
    result: Any = case.session.execute(statement)
    return result.all() if getattr(result, "returns_rows", True) else result.rowcount
