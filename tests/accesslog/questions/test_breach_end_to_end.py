"""What a breach report says is what really happened: rows that the gate let out, counted by who received them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy, PurposeDenied
from sa_privacy.accesslog.questions import Journal, breach, by, denied, who
from tests.gate import world
from tests.gate.conftest import log, privacy, shop
from tests.gate.world import Customer, Order
from tests.support.databases import Database

__all__ = ["log", "privacy", "shop"]

THIEF: dict[str, Any] = {"actor": "staff:66", "role": "clerk"}


@pytest.fixture
def more(database: Database, engine: Engine, privacy: Privacy) -> Iterator[Engine]:
    """The shop with 23 customers more."""
    world.filled(database, more=23)
    privacy.install(engine)
    yield engine
    privacy.uninstall(engine)


def test_people_rows_and_columns_are_those_that_were_received(more: Engine, privacy: Privacy, log: AccessLog) -> None:
    of = world.KEYS.pseudonym_key().of
    received: dict[str, set[int]] = {"customers.name": set(), "customers.phone": set(), "orders.amount": set()}
    with privacy.access("everything", actor="staff:1", role="clerk"), Session(more) as session:
        session.scalars(select(Customer)).all()  # somebody else's, before
    since = datetime.now(UTC)
    with privacy.access("shipping", **THIEF), Session(more) as session:
        for customer in session.scalars(select(Customer).where(Customer.id.between(3, 12))):
            received["customers.name"].add(customer.id)
            if customer.phone is not None:
                received["customers.phone"].add(customer.id)
        for key, name in session.execute(select(Customer.id, Customer.name).where(Customer.id.in_([12, 13, 999]))):
            assert name is not None
            received["customers.name"].add(key)
        with pytest.raises(PurposeDenied):
            session.execute(select(Customer.email)).all()
    with privacy.access("billing", **THIEF), Session(more) as session:
        for order in session.scalars(select(Order)):
            received["orders.amount"].add(order.customer_id)
        rows = len(session.execute(select(Order.amount)).all())
    with privacy.access("everything", **THIEF), Session(more) as session:
        session.execute(update(Customer).where(Customer.id == 20).values(town="Nowhere"))
        deleted = session.execute(delete(Order).where(Order.customer_id == 2)).rowcount  # type: ignore[attr-defined]
        session.commit()
    until = datetime.now(UTC)
    with privacy.access("everything", **THIEF), Session(more) as session:
        session.scalars(select(Customer)).all()  # after

    found = breach(Journal(log.path), since=since, until=until, actor="staff:66")
    everybody = set().union(*received.values()) | {20, 2}
    assert set(found.pseudonyms) == {of("customer", key) for key in everybody}
    assert sorted(found.found((of("customer", key), key) for key in range(1, 30))) == sorted(everybody)
    told = {one.column: one for one in found.columns}
    assert told["customers.name"].people == len(received["customers.name"])
    assert told["orders.amount"].read == 3 + rows
    assert told["customers.town"].written == 1
    assert "customers.email" not in told
    assert found.deleted == {"orders": deleted}
    assert (found.refused, found.unfinished) == (1, 0)
    assert (found.unbounded, found.unbounded_rows) == (1, rows)  # amounts alone say nobody's name
    assert denied(Journal(log.path), actor="staff:66").denied == 1
    assert by(Journal(log.path), "staff:66", since=since, until=until).people == len(everybody)
    [late] = who(Journal(log.path), of("customer", 25), since=since).uses
    assert late.at >= until


def test_a_statement_that_failed_in_the_database_is_not_known_to_have_ended(
    shop: Engine, privacy: Privacy, log: AccessLog
) -> None:
    with (
        privacy.access("everything", **THIEF),
        Session(shop) as session,
        pytest.raises(IntegrityError),
    ):
        session.execute(text("INSERT INTO customers (id, name, email, tier) VALUES (1, NULL, NULL, 'x')"))
    found = breach(Journal(log.path), actor="staff:66")
    assert (found.people, found.unfinished) == (0, 1)
