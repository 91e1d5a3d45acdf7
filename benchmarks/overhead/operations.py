"""What is timed, written once: against whichever classes a side has mapped. Each tells what a correct answer is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session, joinedload

from benchmarks.overhead.models import PEOPLE, PERSONAL, Models, person

__all__ = [
    "BULK",
    "ENTITIES",
    "INSERTS",
    "LOOK_UP",
    "OPERATIONS",
    "POINT",
    "TEXT",
    "Operation",
    "Run",
    "Values",
    "one_of",
    "scan",
]

BULK = 1000
POINT, ENTITIES, TEXT, LOOK_UP, INSERTS = (
    "get by key",
    "100 entities x 4, all read",
    "text SQL, one row",
    "look-up by e-mail",
    "bulk insert of 1,000",
)
_NEW, _NEW_IN_BULK = 10_000, 10_000_000  # numbers of customers who are not there yet

Values = tuple[Any, ...]
Run = Callable[[Session, Models, int], Any]


class Operation(NamedTuple):
    """One thing that applications do.

    :ivar run: does it, on a new session. No two turns of a side have the same number.
    :ivar wanted: what `run` must have returned or, where it writes, what `seen` must find afterwards.
    """

    run: Run
    wanted: Callable[[int], Any]
    seen: Run | None = None


def _values(customer: Any) -> Values:
    return customer.name, customer.address, customer.phone, customer.email


def one_of(turn: int) -> int:
    """The number of the customer whose turn it is."""
    return 1 + turn % PEOPLE


def _known(turn: int) -> Values:
    return tuple(person(one_of(turn)).values())


def _everybody(_: int) -> list[Values]:
    return [tuple(person(number).values()) for number in range(1, PEOPLE + 1)]


def by_key(session: Session, models: Models, turn: int) -> Values:
    return _values(session.get_one(models.Customer, one_of(turn)))


def entities(session: Session, models: Models, turn: int) -> list[Values]:
    customer = models.Customer
    return [_values(one) for one in session.scalars(select(customer).where(customer.id <= PEOPLE))]


def columns(session: Session, models: Models, turn: int) -> list[Values]:
    of = models.Customer
    return [
        tuple(one) for one in session.execute(select(of.name, of.address, of.phone, of.email).where(of.id <= PEOPLE))
    ]


def sql_text(session: Session, models: Models, turn: int) -> Values:
    sql = text("SELECT name, address, phone, email FROM customers WHERE id = :id")
    typed = sql.columns(*(getattr(models.Customer, key) for key in PERSONAL))
    return tuple(session.execute(typed, {"id": one_of(turn)}).one())


def look_up(session: Session, models: Models, turn: int) -> Values:
    email = person(one_of(turn))["email"]
    return _values(session.scalars(select(models.Customer).where(models.Customer.email == email)).one())


def scan(session: Session, models: Models, turn: int) -> Values:
    """A look-up by somebody who cannot search: every customer is read, and their e-mail compared."""
    email = person(one_of(turn))["email"]
    [found] = [one for one in session.scalars(select(models.Customer)) if one.email == email]
    return _values(found)


def eager(session: Session, models: Models, turn: int) -> list[Values]:
    order = models.Order
    found = session.scalars(select(order).options(joinedload(order.customer, innerjoin=True)).where(order.id <= PEOPLE))
    return [(one.item, *_values(one.customer)) for one in found]


def update(session: Session, models: Models, turn: int) -> None:
    session.get_one(models.Customer, one_of(turn)).phone = f"080-{turn:08d}"
    session.commit()


def insert_one(session: Session, models: Models, turn: int) -> None:
    session.add(models.Customer(**person(_NEW + turn)))
    session.commit()


def insert_many(session: Session, models: Models, turn: int) -> None:
    first = _NEW_IN_BULK + turn * BULK
    session.execute(insert(models.Customer), [person(first + n) for n in range(BULK)])
    session.commit()


def _newest(session: Session, models: Models, turn: int) -> Values:
    return _values(session.scalars(select(models.Customer).order_by(models.Customer.id.desc()).limit(1)).one())


def _phone(session: Session, models: Models, turn: int) -> str:
    phone: str = session.get_one(models.Customer, one_of(turn)).phone
    return phone


#: In this order: what is inserted comes last, so that all read the same rows.
OPERATIONS: dict[str, Operation] = {
    POINT: Operation(by_key, _known),
    ENTITIES: Operation(entities, _everybody),
    "4 columns of 100 rows": Operation(columns, _everybody),
    TEXT: Operation(sql_text, _known),
    LOOK_UP: Operation(look_up, _known),
    "100 orders with their customers": Operation(
        eager, lambda _: [(f"Item {number}", *person(number).values()) for number in range(1, PEOPLE + 1)]
    ),
    "update one": Operation(update, lambda turn: f"080-{turn:08d}", _phone),
    "insert one": Operation(insert_one, lambda turn: tuple(person(_NEW + turn).values()), _newest),
    INSERTS: Operation(
        insert_many, lambda turn: tuple(person(_NEW_IN_BULK + turn * BULK + BULK - 1).values()), _newest
    ),
}
