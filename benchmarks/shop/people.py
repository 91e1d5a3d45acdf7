"""People with as many rows as one asks for, in the tables of the example shop."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import count
from typing import Any, Final

from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from examples.shop_app.models import Base, Customer, Inquiry, Order, OrderItem, UsageEvent
from sa_privacy import Privacy

__all__ = ["Filled", "fill"]

_DAY: Final = date(2026, 11, 1)
_BATCH: Final = 2_000

Rows = dict[type[Base], list[dict[str, Any]]]


class Filled:
    """The people that were put in.

    :ivar people: their keys, by how many rows each has.
    :ivar rows: how many rows each has in each table, by key.
    """

    def __init__(self) -> None:
        self.people: dict[int, list[int]] = {}
        self.rows: dict[int, Counter[str]] = {}


def fill(privacy: Privacy, engine: Engine, sizes: dict[int, int]) -> Filled:
    """Fills the shop's tables; everybody has agreed to campaigns.

    :param sizes: how many people, by how many rows each of them has, the customer's own among them.
    """
    filled, numbers = Filled(), count(1)
    ids = {model: count(1) for model in (Order, OrderItem, UsageEvent, Inquiry)}
    for size, people in sizes.items():
        filled.people[size] = [next(numbers) for _ in range(people)]
        for person in filled.people[size]:
            rows = _rows(person, size, ids)
            filled.rows[person] = Counter({model.__tablename__: len(found) for model, found in rows.items() if found})
            with (
                privacy.access(maintenance=True, actor="staff:1", role="engineer", reason="benchmark"),
                Session(engine) as session,
                session.begin(),
            ):
                for model, found in rows.items():
                    for start in range(0, len(found), _BATCH):
                        session.execute(insert(model), found[start : start + _BATCH])
    with Session(engine) as session, session.begin():
        for person in filled.rows:
            with privacy.request(actor=f"customer:{person}", role="customer", purpose="account", subject=person):
                privacy.consents.give(session, person, "campaigns", how="web", language="en")
    return filled


def _rows(person: int, size: int, ids: dict[Any, Any]) -> Rows:
    """A customer with what is theirs: of five further rows two of usage, an order with an item, and an inquiry."""
    address = f"person{person}@example.org"
    customer = {"id": person, "name": f"Person {person}", "address": "1 Example St", "email": address}
    rows: Rows = {Customer: [{**customer, "language": "en", "joined_on": _DAY}]}
    rows |= {Order: [], OrderItem: [], UsageEvent: [], Inquiry: []}
    order = 0
    for number in range(size - 1):
        match number % 5:
            case 0 | 1:
                seen = {"id": next(ids[UsageEvent]), "customer_id": person, "page": "product", "seen_on": _DAY}
                rows[UsageEvent].append(seen)
            case 2:
                order = next(ids[Order])
                ordered = {"id": order, "customer_id": person, "status": "shipped", "ordered_on": _DAY, "amount": 1_200}
                rows[Order].append(ordered)
            case 3:
                item = {"id": next(ids[OrderItem]), "order_id": order, "product": "tea cup", "quantity": 1}
                rows[OrderItem].append(item)
            case _:
                asked = {"topic": "size", "received_on": _DAY, "answered_on": _DAY, "reply_to": address}
                rows[Inquiry].append({"id": next(ids[Inquiry]), "customer_id": person, **asked})
    return rows
