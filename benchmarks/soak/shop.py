"""What customers and staff do in the shop, each thing one function of a turn and a session: plain SQLAlchemy.

An :class:`~benchmarks.soak.turn.Actor` alone writes to its customers, so that it knows what each row of theirs holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from benchmarks.soak.believing import Write
from benchmarks.soak.models import Customer, Order, Visit
from benchmarks.soak.turn import Actor, Mine, Turn, Wrong
from sa_privacy.errors import NoAccess, PurposeDenied

__all__ = ["KINDS", "MOST", "choose"]

MOST: Final = 12
"""Customers of one actor; who comes after that makes the first one ask to be erased."""
_ORDERS: Final = 6

Kind = Callable[[Turn, Session], None]


def register(turn: Turn, session: Session) -> None:
    """A new customer, with a first order."""
    mine = Mine(0, f"{turn.actor.name}c{turn.actor.serial()}")
    first = f"{mine.tag}/o{turn.actor.serial()}"
    values = {column: _value(turn, mine.tag, column) for column in ("name", "email", "phone")}
    order = {"address": _value(turn, first, "address"), "note": _value(turn, first, "note")}
    turn.writing(("customers", mine.tag, values), ("orders", first, order), ("consents", mine.tag, {"agreed": False}))
    with turn.access("registration", "desk"):
        customer = Customer(tag=mine.tag, joined_on=_today(), **values)
        customer.orders = [Order(tag=first, ordered_on=_today(), amount=1, **order)]
        session.add(customer)
        session.flush()
        mine.id = customer.id
        mine.orders.append(first)
        turn.about(mine)
        turn.commit(session)
    turn.afterwards(lambda: turn.actor.customers.append(mine))
    turn.actor.highest = max(turn.actor.highest, mine.id)


def bulk(turn: Turn, session: Session) -> None:
    """Many orders and visits at once, some of them long past their time."""
    mine = turn.actor.pick()
    turn.about(mine)
    orders: list[dict[str, Any]] = []
    visits: list[dict[str, Any]] = []
    for number in range(turn.draw.randrange(4, 16)):
        tag = f"{mine.tag}/d{turn.actor.serial()}"
        long_ago = _today() - timedelta(days=365 * turn.draw.randrange(4, 8))
        orders.append({"tag": tag, "ordered_on": long_ago, "customer_id": mine.id, "amount": number})
        orders[-1] |= {column: _value(turn, tag, column) for column in ("address", "note")}
        tag = f"{mine.tag}/v{turn.actor.serial()}"
        visits.append({"tag": tag, "seen_on": _today(), "customer_id": mine.id, "page": _value(turn, tag, "page")})
    writes: list[Write] = [("orders", row["tag"], {name: row[name] for name in ("address", "note")}) for row in orders]
    turn.writing(*writes, *(("visits", row["tag"], {"page": row["page"]}) for row in visits))
    with turn.access("orders", "desk"):
        session.execute(insert(Order), orders)
        session.execute(insert(Visit).returning(Visit.tag), visits).all()
        turn.commit(session)


def order(turn: Turn, session: Session) -> None:
    """One more order; where there are many, one goes."""
    mine = turn.actor.pick()
    turn.about(mine)
    tag = f"{mine.tag}/o{turn.actor.serial()}"
    values = {column: _value(turn, tag, column) for column in ("address", "note")}
    gone = mine.orders[0] if len(mine.orders) >= _ORDERS else None
    turn.writing(("orders", tag, values), *([("orders", gone, None)] if gone else []))
    with turn.access("orders", "desk"):
        session.add(Order(tag=tag, customer_id=mine.id, ordered_on=_today(), amount=2, **values))
        if gone and (there := session.scalars(select(Order).where(Order.tag == gone)).first()):
            session.delete(there)
        turn.commit(session)

    def done() -> None:
        mine.orders.append(tag)
        if gone:
            mine.orders.remove(gone)

    turn.afterwards(done)


def change(turn: Turn, session: Session) -> None:
    """A customer's data changes, by way of the object."""
    mine, column = turn.actor.pick(), turn.draw.choice(["name", "email", "phone"])
    turn.about(mine)
    value = _value(turn, mine.tag, column)
    turn.writing(("customers", mine.tag, {column: value}))
    with turn.access("orders", "desk"):
        setattr(session.get_one(Customer, mine.id), column, value)
        turn.commit(session)


def change_in_sql(turn: Turn, session: Session) -> None:
    """A customer's data changes, by an UPDATE."""
    mine, column = turn.actor.pick(), turn.draw.choice(["name", "email", "phone"])
    turn.about(mine)
    value = _value(turn, mine.tag, column)
    turn.writing(("customers", mine.tag, {column: value}))
    with turn.access("orders", "desk"):
        session.execute(update(Customer).where(Customer.id == mine.id).values({column: value}))
        turn.commit(session)


def taken_back(turn: Turn, session: Session) -> None:
    """A transaction that is rolled back."""
    mine = turn.actor.pick()
    turn.about(mine)
    value = _value(turn, mine.tag, "name")
    turn.writing(("customers", mine.tag, {"name": value}))
    with turn.access("orders", "desk"):
        customer = session.get_one(Customer, mine.id)
        customer.name = value
        session.flush()
        session.rollback()


def in_parts(turn: Turn, session: Session) -> None:
    """A savepoint that is rolled back, and one that is not."""
    mine = turn.actor.pick()
    turn.about(mine)
    phone, never = _value(turn, mine.tag, "phone"), _value(turn, mine.tag, "name")
    turn.writing(("customers", mine.tag, {"phone": phone}))
    with turn.access("orders", "desk"):
        customer = session.get_one(Customer, mine.id)
        nested = session.begin_nested()
        customer.name = never
        session.flush()
        nested.rollback()
        with session.begin_nested():
            customer.phone = phone
        if customer.name == never:
            raise Wrong(f"{mine.tag}: what was rolled back to a savepoint is still read")
        turn.commit(session)


def read(turn: Turn, session: Session) -> None:
    """One customer, by key."""
    mine = turn.actor.pick()
    turn.about(mine)
    with turn.access("orders", "desk"):
        _see(turn, session.get_one(Customer, mine.id))


def list_all(turn: Turn, session: Session) -> None:
    """All of the actor's customers, with their orders."""
    turn.about(*turn.actor.customers)
    ids = [mine.id for mine in turn.actor.customers]
    with turn.access("orders", "desk"):
        found = session.scalars(
            select(Customer).where(Customer.id.in_(ids)).options(selectinload(Customer.orders))
        ).all()
        if len(found) != len(ids):
            raise Wrong(f"{len(ids)} customers of {turn.actor.name} are {len(found)}")
        for customer in found:
            _see(turn, customer)
            _see_orders(turn, customer.tag, customer.orders)


def stream(turn: Turn, session: Session) -> None:
    """Orders of all of them, a few at a time."""
    turn.about(*turn.actor.customers)
    ids = [mine.id for mine in turn.actor.customers]
    found: dict[str, list[Order]] = {mine.tag: [] for mine in turn.actor.customers}
    with turn.access("orders", "desk"):
        asked = select(Order).where(Order.customer_id.in_(ids)).execution_options(yield_per=7)
        for one in session.scalars(asked):
            found[one.tag.split("/")[0]].append(one)
        for tag, orders in found.items():
            _see_orders(turn, tag, orders)


def strangers(turn: Turn, session: Session) -> None:
    """Parcels of anybody's: each name and address is of its own row."""
    turn.people = None
    start = turn.draw.randrange(turn.actor.highest)
    with turn.access("shipping", "warehouse"):
        asked = select(Customer.tag, Customer.name, Order.tag, Order.address).join(Customer.orders)
        for tag, name, of_order, address in session.execute(
            asked.where(Customer.id.between(start, start + 10)).limit(40)
        ):
            turn.saw_of(tag, name)
            turn.saw_of(of_order, address)


def look_up(turn: Turn, session: Session) -> None:
    """Somebody is found by e-mail, in whatever case."""
    mine = turn.actor.pick()
    if (row := turn.actor.beliefs.certain("customers", mine.tag)) is None:
        read(turn, session)
        return
    turn.about(mine)
    with turn.access("sign_in", "desk"):
        found = session.execute(select(Customer.tag, Customer.name).where(Customer.email == row["email"].upper())).all()
        if [tag for tag, _ in found] != [mine.tag]:
            raise Wrong(f"{mine.tag} is looked up as {found}")
        turn.saw("customers", mine.tag, {"name": found[0].name})


def twice(turn: Turn, session: Session) -> None:
    """An e-mail address that is there already."""
    mine = turn.actor.pick()
    if (row := turn.actor.beliefs.certain("customers", mine.tag)) is None:
        read(turn, session)
        return
    tag = f"{turn.actor.name}x{turn.actor.serial()}"
    turn.people = None
    with turn.access("registration", "desk"):
        session.add(Customer(tag=tag, joined_on=_today(), name=f"{tag}|", email=row["email"].upper()))
        try:
            session.flush()
        except IntegrityError:
            return
    raise Wrong(f"{mine.tag}: a second customer has its e-mail address")


def consent(turn: Turn, session: Session) -> None:
    """Somebody agrees to the news, or takes that back."""
    mine = turn.actor.pick()
    if (now := turn.actor.beliefs.certain("consents", mine.tag)) is None:
        campaign(turn, session)
        return
    turn.about(mine)
    agreed = not now["agreed"]
    turn.writing(("consents", mine.tag, {"agreed": agreed}))
    with turn.access("orders", "desk"):
        enter = turn.privacy.consents.give if agreed else turn.privacy.consents.withdraw
        enter(session, mine.id, "campaigns", how="web", language="en", idempotency_key=turn.name)
        turn.commit(session)


def campaign(turn: Turn, session: Session) -> None:
    """The news goes to those who agreed, and to nobody else."""
    turn.about(*turn.actor.customers)
    ids = [mine.id for mine in turn.actor.customers]
    with turn.access("campaigns", "marketing"):
        found = session.execute(select(Customer.tag, Customer.email).where(Customer.id.in_(ids))).all()
    reached = {tag for tag, _ in found}
    for tag, email in found:
        turn.saw("customers", tag, {"email": email})
    for mine in turn.actor.customers:
        if not turn.actor.beliefs.seen("consents", mine.tag, {"agreed": mine.tag in reached}):
            raise Wrong(f"{mine.tag}: the news {'reached' if mine.tag in reached else 'left out'} them")


def account(turn: Turn, session: Session) -> None:
    """A customer looks at their own orders, and sees nobody else's."""
    mine = turn.actor.pick()
    turn.about(mine)
    with turn.access("account", "customer", subject=mine.id):
        _see_orders(turn, mine.tag, session.scalars(select(Order)).all())


def denied(turn: Turn, session: Session) -> None:
    """The warehouse asks for an e-mail address."""
    mine = turn.actor.pick()
    turn.about(mine)
    try:
        with turn.access("shipping", "warehouse"):
            found = session.execute(select(Customer.email).where(Customer.id == mine.id)).all()
    except PurposeDenied:
        return
    raise Wrong(f"the warehouse read {len(found)} e-mail addresses")


def nobody(turn: Turn, session: Session) -> None:
    """Nobody said who asks."""
    try:
        found = session.execute(select(Customer.phone).where(Customer.id == turn.actor.pick().id)).all()
    except NoAccess:
        return
    raise Wrong(f"nobody read {len(found)} telephone numbers")


def ask_file(turn: Turn, session: Session) -> None:
    """A customer wants to see what is kept about them."""
    _ask(turn, session, "disclosure", turn.actor.pick())


def ask_erasure(turn: Turn, session: Session) -> None:
    """A customer wants to be erased; whatever becomes of it, the actor lets go of them."""
    mine = turn.actor.customers[0]
    turn.actor.customers.remove(mine)
    try:
        _ask(turn, session, "erasure", mine)
    finally:
        turn.actor.customers.insert(0, mine)
        turn.actor.drop(mine)


def _ask(turn: Turn, session: Session, kind: Any, mine: Mine) -> None:
    turn.about(mine)
    with turn.access("account", "customer", subject=mine.id):
        turn.privacy.requests.receive(session, kind, about="please", once=turn.name)
        turn.commit(session)


def _see(turn: Turn, customer: Customer) -> None:
    found = {column: getattr(customer, column) for column in ("name", "email", "phone")}
    turn.saw("customers", customer.tag, found)


def _see_orders(turn: Turn, owner: str, found: Any) -> None:
    """All that the actor knows of must be there; what is past its time may go at any moment."""
    there = {one.tag: {"address": one.address, "note": one.note} for one in found}
    mine = next(one for one in turn.actor.customers if one.tag == owner)
    for tag in mine.orders:
        turn.saw("orders", tag, there.get(tag))
    for tag, row in there.items():
        if not tag.startswith(f"{owner}/"):
            raise Wrong(f"{owner} is given the order {tag}")
        turn.saw_of(tag, *row.values())


def _value(turn: Turn, tag: str, column: str) -> str:
    if column == "email":
        return f"{tag}.{turn.name}@example.org"
    return f"{tag}|{column}|{turn.name}|" + "x" * turn.draw.randrange(40)


def _today() -> Any:
    return datetime.now(UTC).date()


KINDS: Final[Mapping[Kind, int]] = {
    register: 90,
    bulk: 60,
    order: 120,
    change: 150,
    change_in_sql: 120,
    taken_back: 60,
    in_parts: 90,
    read: 360,
    list_all: 150,
    stream: 90,
    strangers: 150,
    look_up: 240,
    twice: 30,
    consent: 90,
    campaign: 90,
    account: 90,
    denied: 30,
    nobody: 30,
    ask_file: 10,
}
"""How often each thing is done, compared with the others."""


def choose(actor: Actor) -> Kind:
    """What an actor does next."""
    if len(actor.customers) < 2:
        return register
    if len(actor.customers) > MOST:
        return ask_erasure
    [kind] = actor.draw.choices(list(KINDS), list(KINDS.values()))
    return kind
