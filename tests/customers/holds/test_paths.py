"""The heart of holds: whatever path it takes, what would end a held row is refused, and nothing is changed.

Each path is a function that ends something of the first order of the first customer, or of what hangs on it. It is tried
while a hold is in force, and has to fail; then the hold is released, and it has to work: a path that ends nothing would
prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_privacy import Privacy, PrivacyError, UnderHold
from sa_privacy.customers.destruction import Graph, Step, carry_out
from sa_privacy.customers.owned import known_tables
from tests.customers.holds import world
from tests.customers.holds.world import Customer, Item, Order, Review
from tests.support.databases import Database

ORDERS: Any = Order.__table__
CUSTOMERS: Any = Customer.__table__
ITEMS: Any = Item.__table__
Path = Callable[[Privacy, Engine], None]

KINDS: dict[str, dict[str, Any]] = {
    "subject": {"subject": 1},
    "row": {"row": (Order, 11)},
    "table": {"table": Order},
    "query": {"query": (Order, "orders.total < 75 AND orders.code LIKE '1-%'")},
}


@pytest.fixture
def made(database: Database, engine: Engine) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine) as privacy:
        yield privacy


def in_session(work: Callable[[Session], object]) -> Path:
    def path(privacy: Privacy, engine: Engine) -> None:
        with world.clerk(privacy), Session(engine) as session:
            work(session)
            session.commit()

    return path


def executes(statement: Any) -> Path:
    def path(privacy: Privacy, engine: Engine) -> None:
        with world.clerk(privacy), engine.begin() as connection:
            connection.execute(statement)

    return path


def without_the_gate(sql: str) -> Path:
    """On a connection that the library never saw."""

    def path(_privacy: Privacy, engine: Engine) -> None:
        other = world.plain(engine)
        try:
            with other.begin() as connection:
                connection.exec_driver_sql(sql)
        finally:
            other.dispose()

    return path


def raw_connection(sql: str) -> Path:
    """On a DBAPI connection of the protected engine."""

    def path(_privacy: Privacy, engine: Engine) -> None:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute(sql)
            connection.commit()
        finally:
            connection.close()

    return path


def first(session: Session) -> Order:
    return session.get_one(Order, 11)


def empties(session: Session) -> None:
    first(session).note = None


def moves(session: Session) -> None:
    first(session).customer_id = 2


def renumbers(session: Session) -> None:
    session.delete(session.get_one(Item, (11, 1)))
    session.flush()
    first(session).id = 99


def orphans(session: Session) -> None:
    customer = session.get_one(Customer, 1)
    customer.orders.clear()
    session.flush()


def erases(privacy: Privacy, engine: Engine) -> None:
    with world.officer(privacy), Session(engine) as session:
        plan = privacy.erasure.plan(session, 1)
        session.rollback()
        privacy.erasure.run(engine, plan)


def carried_out(privacy: Privacy, engine: Engine) -> None:
    """What retention does, by somebody who did not ask for holds."""
    graph = Graph(known_tables(privacy._live))
    steps = [Step("delete", "items", ((11, 1),)), Step("delete", "orders", ((11,),))]
    with world.officer(privacy), engine.begin() as connection, privacy._desk.open(connection, everything=True):
        carry_out(connection, graph, steps)


ON_BOTH: dict[str, Path] = {
    "flush": in_session(lambda session: session.delete(first(session))),
    "unit of work cascade": in_session(lambda session: session.delete(session.get_one(Customer, 1))),
    "unit of work orphan": in_session(orphans),
    "flush that empties": in_session(empties),
    "flush that moves the link": in_session(moves),
    "flush that changes the key": in_session(renumbers),
    "bulk delete": in_session(lambda session: session.execute(delete(Order).where(Order.id == 11))),
    "bulk update": in_session(lambda session: session.execute(update(Order).values(note=None))),
    "bulk update by key": in_session(lambda session: session.execute(update(Order), [{"id": 11, "note": None}])),
    "Core delete": executes(delete(ORDERS)),
    "Core update": executes(update(ORDERS).values(note=None)),
    "Core update of the link": executes(update(ORDERS).values(customer_id=2)),
    "text delete": executes(text("DELETE FROM orders WHERE id = 11")),
    "text update": executes(text("UPDATE orders SET note = NULL")),
    "raw connection of the engine": raw_connection("DELETE FROM orders"),
    "past the gate, delete": without_the_gate("DELETE FROM orders WHERE id = 11"),
    "past the gate, update": without_the_gate("UPDATE orders SET note = NULL WHERE id = 11"),
    "the database's cascade": without_the_gate("DELETE FROM customers WHERE id = 1"),
    "upsert that empties": without_the_gate(
        "INSERT INTO orders (id, customer_id, code, total, note) VALUES (11, 1, '1-1', 50, NULL) "
        "ON CONFLICT (id) DO UPDATE SET note = excluded.note"
    ),
    "erasure": erases,
    "destruction": carried_out,
}
ON_SQLITE: dict[str, Path] = {
    "insert or replace by key": without_the_gate(
        "INSERT OR REPLACE INTO orders (id, customer_id, code, total) VALUES (11, 1, 'new', 50)"
    ),
    "insert or replace by another unique column": without_the_gate(
        "INSERT OR REPLACE INTO orders (id, customer_id, code, total) VALUES (77, 2, '1-1', 50)"
    ),
    "update or replace": without_the_gate("UPDATE OR REPLACE orders SET code = '1-1' WHERE id = 22"),
    "replace, as SQLAlchemy says it": executes(
        insert(ORDERS).prefix_with("OR REPLACE").values(id=11, customer_id=1, code="new", total=50)
    ),
}
ON_POSTGRESQL: dict[str, Path] = {
    "truncate": without_the_gate("TRUNCATE orders, items"),
    "truncate cascade": without_the_gate("TRUNCATE customers CASCADE"),
    "merge": without_the_gate("MERGE INTO orders USING customers c ON c.id = customer_id WHEN MATCHED THEN DELETE"),
    "delete in a WITH": without_the_gate("WITH gone AS (DELETE FROM orders RETURNING 1) SELECT * FROM gone"),
    "replica": without_the_gate("SET session_replication_role = replica; DELETE FROM orders"),
    "repeatable read": without_the_gate("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; DELETE FROM orders"),
}


def paths() -> Iterator[Any]:
    for kind in KINDS:
        for name, path in ON_BOTH.items():
            yield pytest.param(kind, path, id=f"{kind}, {name}")


def must_be_refused(privacy: Privacy, engine: Engine, path: Path, **what: Any) -> None:
    """While a hold is in force; and works afterwards."""
    before = world.state(engine)
    hold = world.place(privacy, engine, **what)
    dbapi: Any = engine.dialect.dbapi
    with pytest.raises((PrivacyError, DBAPIError, dbapi.Error)) as caught:
        path(privacy, engine)
    assert world.state(engine) == before
    assert "hold" in str(caught.value) or "2026-17" in str(caught.value)
    world.release(privacy, engine, hold)
    path(privacy, engine)
    assert world.state(engine) != before


@pytest.mark.parametrize(("kind", "path"), [*paths()])
def test_what_would_end_a_held_row_is_refused(made: Privacy, engine: Engine, kind: str, path: Path) -> None:
    must_be_refused(made, engine, path, **KINDS[kind])


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("path", [*ON_SQLITE.values()], ids=ON_SQLITE)
@pytest.mark.parametrize("kind", KINDS)
def test_what_sqlite_alone_does_is_refused(made: Privacy, engine: Engine, kind: str, path: Path) -> None:
    must_be_refused(made, engine, path, **KINDS[kind])


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("path", [*ON_POSTGRESQL.values()], ids=ON_POSTGRESQL)
@pytest.mark.parametrize("kind", KINDS)
def test_what_postgresql_alone_does_is_refused(made: Privacy, engine: Engine, kind: str, path: Path) -> None:
    must_be_refused(made, engine, path, **KINDS[kind])


BY_CASCADE: dict[str, tuple[dict[str, Any], Path]] = {
    "ON DELETE CASCADE": ({"row": (Order, 11)}, without_the_gate("DELETE FROM customers WHERE id = 1")),
    "ON DELETE CASCADE of two steps": (
        {"row": (Item, (11, 1))},
        without_the_gate("DELETE FROM customers WHERE id = 1"),
    ),
    "ON DELETE SET NULL": ({"row": (Review, 1)}, without_the_gate("DELETE FROM customers WHERE id = 1")),
    "through the gate": ({"row": (Review, 1)}, executes(delete(CUSTOMERS).where(Customer.id == 1))),
    "an empty text": ({"subject": 1}, executes(update(CUSTOMERS).values(city=""))),
    "of what is two steps away": ({"subject": 1}, executes(delete(ITEMS))),
}


@pytest.mark.parametrize(("what", "path"), [*BY_CASCADE.values()], ids=BY_CASCADE)
def test_what_goes_along_is_held_too(made: Privacy, engine: Engine, what: dict[str, Any], path: Path) -> None:
    must_be_refused(made, engine, path, **what)


@pytest.mark.backends("sqlite")
def test_replacing_by_a_sealed_unique_column_is_refused(made: Privacy, engine: Engine) -> None:
    replace = "INSERT OR REPLACE INTO customers (id, email, city) SELECT 77, email, city FROM customers WHERE id = 1"
    must_be_refused(made, engine, without_the_gate(replace), row=(Customer, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_what_ends_nothing_of_a_held_row_goes_on(made: Privacy, engine: Engine, kind: str) -> None:
    world.place(made, engine, **KINDS[kind])
    values = {"id": 11, "customer_id": 1, "code": "1-1", "total": 60, "note": "y"}
    dialect: Any = sqlite if engine.dialect.name == "sqlite" else postgresql
    added = dialect.insert(ORDERS).values(values)
    with world.clerk(made), Session(engine) as session:
        first(session).note = "changed"
        session.add(Order(id=78, customer_id=1, code="1-8", note="new"))
        session.flush()
        session.execute(added.on_conflict_do_update(index_elements=["id"], set_={"total": 60}))
        session.execute(added.on_conflict_do_nothing())
        session.commit()
        if kind != "table":
            session.execute(delete(Order).where(Order.id == 21))
            session.commit()
    assert next(row for row in world.state(engine)["orders"] if row[0] == 11)[3] == 60


@pytest.mark.parametrize("kind", KINDS)
def test_the_application_is_told_the_case_and_the_table(made: Privacy, engine: Engine, kind: str) -> None:
    world.place(made, engine, **KINDS[kind])
    with pytest.raises(UnderHold, match=r"2026-17 keeps rows of orders") as caught:
        executes(delete(ORDERS).where(Order.id == 11))(made, engine)
    assert caught.value.case == "2026-17"
    with pytest.raises(UnderHold, match=r"2026-17 keeps rows of (orders|items)"):  # what hangs on it goes first
        in_session(lambda session: session.delete(first(session)))(made, engine)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_frozen_does_not_change_at_all(made: Privacy, engine: Engine, kind: str) -> None:
    def changes(privacy: Privacy, engine: Engine) -> None:
        executes(update(ORDERS).where(ORDERS.c.id == 11).values(note="other"))(privacy, engine)

    must_be_refused(made, engine, changes, freeze=True, **KINDS[kind])
