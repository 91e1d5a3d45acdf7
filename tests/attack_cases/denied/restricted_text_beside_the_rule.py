"""SQL text in a statement that carries the rule, written so that the rule would mean something else, or nothing."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Numeric, Select, cast, delete, func, literal_column, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import UserDefinedType

from sa_privacy import PrivacyError
from tests.attack_cases.case import Case
from tests.attack_cases.world import Customer, Order, canary

path = "restricted rows by SQL that carries no rule"
ends = "left out"
purposes = (None,)
CONDITIONS = (
    "1 = 1 OR 1 = 1",
    "1 = 1) OR (1 = 1",
    "1 = 1 --",
    "1 = 1 /*",
    "1 BETWEEN 0",
    "1 = 1 UNION SELECT customers.email FROM customers",
    "1 = 1 GROUP BY customers.email HAVING 1 = 1 OR (1 = 1",
    "1 = 1); SELECT email FROM customers; --",
)
COLUMNS = (
    "customers.email /*",
    "customers.email FROM customers --",
    "email FROM customers UNION SELECT email",
    "(SELECT c.email FROM customers c WHERE c.id = customers.id)",
)


class Spelled(UserDefinedType[int]):
    """A type with a name that ends what it stands in."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "INTEGER) = 1) OR EXISTS (SELECT 1 WHERE CAST(0 AS INTEGER"


class Written(ColumnElement[bool]):
    """Something that an application renders itself."""

    inherit_cache = False


@compiles(Written)
def _written(element: Written, compiler: Any, **_: Any) -> str:
    return "1 = 1) OR (1 = 1"


def statements() -> Iterator[Any]:
    emails: Select[Any] = select(Customer.email)
    for condition in CONDITIONS:
        yield emails.where(text(condition))
        yield emails.where(literal_column(condition))
        yield select(Order.id, Customer.email).outerjoin(Customer, text(condition))
        yield select(emails.where(text(condition)).subquery())
    for column in COLUMNS:
        yield select(literal_column(column)).select_from(Customer)
        yield emails.add_columns(text(column))
        yield emails.order_by(text(column))
    yield emails.where(Customer.id.op("> 0 OR 1 = ")(1))
    yield emails.where(Customer.id.op("> 0) OR (1 = ")(1))
    yield emails.where(Written())
    yield emails.prefix_with("customers.email FROM customers UNION SELECT")
    yield emails.suffix_with("UNION SELECT email FROM customers")
    yield emails.with_statement_hint("UNION SELECT email FROM customers")
    yield emails.where(func.extract("year FROM now()) = 1 OR (1", Customer.birthday) == 1)


def of_types() -> Iterator[Any]:
    """In brackets of the application's own, which these would end: is somebody of that name there?"""
    precision: Any = "9)) = 1) OR EXISTS (SELECT 1 WHERE CAST(0 AS NUMERIC(9"
    for kind in (Spelled(), Numeric(precision)):
        condition = cast(literal_column("1"), kind) == literal_column("1")
        some = select(Customer.id).where(Customer.email == canary("customers.email", 1), condition).exists()
        yield select(literal_column("'" + canary("customers.email", 1) + "'")).where(some)


def changes() -> Iterator[Any]:
    named = update(Customer).values(name="x")
    for condition in CONDITIONS:
        for change in (delete(Customer), named, update(Customer).values(name=text(condition))):
            yield change.where(text(condition)).execution_options(synchronize_session=False)


def attack(case: Case) -> object:
    case.privacy.restrict(Customer, role="clerk", where=lambda c, _: c.id == 0)
    return [tried(case, statement) for statement in (*statements(), *of_types(), *changes())]


def tried(case: Case, statement: Any) -> object:
    session = case.session
    try:
        with case.access("everything"):
            result = session.execute(statement)
            if not statement.is_dml:
                return result.all()
            session.commit()
    except (PrivacyError, SQLAlchemyError) as refusal:  # some of it is no SQL
        session.rollback()
        return refusal
    return None
