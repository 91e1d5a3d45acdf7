"""`observe=[...]`: some tables are enforced and others only observed, in one statement and in one object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, joinedload

from sa_privacy import (
    AccessLog,
    NoAccess,
    PolicyError,
    Privacy,
    PurposeDenied,
    RowsDenied,
    SealedColumn,
    UnreadableStatement,
)
from sa_privacy.accesslog import Event
from tests.gate import people, world
from tests.gate.people import Employee, Person
from tests.gate.statements import ACCESSES, STATEMENTS, statement_for
from tests.gate.test_observe import outcome_of
from tests.gate.watch import events_between_notes, events_of
from tests.gate.world import Customer, Order, Product
from tests.support.databases import Database

KEYS = world.KEYS


@pytest.fixture
def make(log: AccessLog) -> Iterator[Callable[..., Privacy]]:
    """Makes Privacies that enforce, but for the tables named."""
    kept: list[Privacy] = []

    def making(*observe: str, **options: Any) -> Privacy:
        kept.append(
            Privacy(world.POLICY, **{"keys": KEYS, "log": log, "metadata": world.Base, **options}, observe=observe)
        )
        return kept[-1]

    yield making
    for privacy in kept:
        privacy.close()


@pytest.fixture
def orders(make: Callable[..., Privacy], database: Database, engine: Engine) -> Privacy:
    """Customers are enforced, orders only observed."""
    world.filled(database)
    privacy = make("orders")
    privacy.install(engine)
    return privacy


@pytest.fixture
def customers(make: Callable[..., Privacy], database: Database, engine: Engine) -> Privacy:
    """Orders are enforced, customers only observed."""
    world.filled(database)
    privacy = make("customers")
    privacy.install(engine)
    return privacy


def denials(log: AccessLog, decision: str) -> list[str]:
    return [one for event in events_of(log, "intent", "use") if event.decision == decision for one in event.denials]


# -- statements -------------------------------------------------------------------------------------------------------


def test_what_touches_only_observed_tables_runs_and_is_noted(orders: Privacy, engine: Engine, log: AccessLog) -> None:
    with engine.connect() as connection:
        assert sorted(connection.scalars(select(Order.amount))) == [10, 20, 30]
        assert sorted(connection.scalars(text("SELECT amount FROM orders WHERE amount > 10"))) == [20, 30]
        connection.execute(update(Order).values(amount=1))
        connection.execute(insert(Order).values(customer_id=1, amount=2))
        connection.execute(delete(Order))
    assert denials(log, "denied") == []
    assert denials(log, "would_deny") == [
        "read orders.amount",
        "read orders.amount",
        "match orders.amount",
        "write orders.amount",
        "write orders.amount",
        "delete orders",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        select(Customer.segment),
        text("SELECT segment FROM customers"),
        select(Order.id).join(Order.customer).where(Customer.town == "Oakham"),
        select(Order.amount).where(select(Customer.id).where(Customer.segment == "gold").exists()),
        text("SELECT o.amount, c.segment FROM orders o JOIN customers c ON c.id = o.customer_id"),
        update(Order).values(amount=1).where(Order.customer_id.in_(select(Customer.id).where(Customer.town == "x"))),
        update(Customer).values(town="x"),
        delete(Customer),
        text("SELECT unheard_of(amount) FROM orders"),
    ],
    ids=range(9),
)
def test_what_touches_an_enforced_table_too_is_refused(
    statement: Any, orders: Privacy, engine: Engine, log: AccessLog
) -> None:
    with engine.connect() as connection, pytest.raises((NoAccess, UnreadableStatement)):
        connection.execute(statement)
    assert denials(log, "would_deny") == []
    assert [one for one in denials(log, "denied") if "orders" in one] == []
    assert denials(log, "denied") != []


def test_one_statement_over_both_is_judged_on_the_enforced_and_noted_for_the_observed(
    orders: Privacy, engine: Engine, log: AccessLog
) -> None:
    statement = select(Order.amount, Customer.town).join(Order.customer).order_by(Order.id)
    with engine.connect() as connection, orders.access("shipping", role="warehouse"):
        assert connection.execute(statement).first() == (10, "Oakham")
    intent = events_of(log, "intent")[-1]
    assert (intent.decision, intent.denials) == ("would_deny", ["read orders.amount"])
    assert {"customers.town", "orders.amount"} <= set(intent.reads)


def test_what_is_covered_everywhere_is_no_matter(orders: Privacy, engine: Engine, log: AccessLog) -> None:
    with engine.connect() as connection, orders.access("everything", role="clerk"):
        connection.execute(select(Order.amount, Customer.town).join(Order.customer)).all()
    assert events_of(log, "intent")[-1].decision == "allowed"
    assert denials(log, "would_deny") == []


def test_a_sealed_column_of_an_observed_table_may_be_sorted_in_vain(customers: Privacy, engine: Engine) -> None:
    with engine.connect() as connection:
        assert len(connection.execute(select(Customer.id).order_by(Customer.email)).all()) == 3


def test_a_sealed_column_of_an_enforced_table_may_not(orders: Privacy, engine: Engine) -> None:
    with engine.connect() as connection, orders.access("everything", role="clerk"), pytest.raises(SealedColumn):
        connection.execute(select(Order.id).join(Order.customer).where(Customer.email == "ann@example.com"))


@pytest.mark.parametrize("observed", ["customers", "orders"])
def test_a_plain_value_may_be_put_into_a_sealed_column_of_an_observed_table_only(
    observed: str, request: pytest.FixtureRequest, engine: Engine, log: AccessLog
) -> None:
    privacy: Privacy = request.getfixturevalue(observed)
    with engine.connect() as connection, privacy.access("everything", role="clerk"):
        if observed == "orders":
            with pytest.raises(SealedColumn):
                connection.execute(text("UPDATE customers SET email = 'x'"))
        else:
            assert connection.execute(text("UPDATE customers SET email = 'x'")).rowcount == 3
            assert denials(log, "would_deny") == ["sealed customers.email"]


def test_copies_out_of_observed_tables_run_and_out_of_enforced_ones_do_not(
    customers: Privacy, engine: Engine, log: AccessLog
) -> None:
    copy = insert(Product).from_select(["title"], select(Customer.segment).where(Customer.segment.is_not(None)))
    with engine.begin() as connection:
        connection.execute(copy)
        with pytest.raises(UnreadableStatement):
            connection.execute(insert(Product).from_select(["title"], select(func.concat(Order.amount, ""))))
    with engine.connect() as connection:
        assert sorted(connection.scalars(select(Product.title))) == ["Umbrella", "gold", "gold", "tin"]


def test_own_rows_are_enforced_where_their_table_is(orders: Privacy, engine: Engine, log: AccessLog) -> None:
    with orders.access("account", role="customer", subject=1), Session(engine) as session:
        assert len(session.execute(text("SELECT id, amount FROM orders")).all()) == 3
        assert denials(log, "would_deny") == ["rows of others"]
        assert len(session.scalars(select(Order)).all()) == 3
        assert [found.id for found in session.scalars(select(Customer))] == [1]
        with pytest.raises(RowsDenied):
            session.execute(text("SELECT town FROM customers"))
        session.execute(text("UPDATE orders SET customer_id = 2 WHERE id = 1"))
        assert denials(log, "would_deny")[-1] == "rows of others"


def test_no_row_of_an_enforced_table_changes_hands_beside_an_observed_one(customers: Privacy, engine: Engine) -> None:
    moving = "UPDATE orders SET customer_id = 2 WHERE id = 1 AND 1 IN (SELECT id FROM customers WHERE town = 'Oakham')"
    with customers.access("account", role="customer", subject=1), engine.connect() as connection:
        with pytest.raises(RowsDenied):
            connection.execute(text(moving))
        connection.rollback()
        connection.execute(text(moving.replace("customer_id = 2", "status = 'x'")))


def test_rows_of_an_observed_table_are_handed_over_after_the_access(orders: Privacy, engine: Engine) -> None:
    with engine.connect() as connection:
        with orders.access("everything", role="clerk"):
            late = connection.execute(select(Order.amount))
            refused = connection.execute(select(Customer.town, Order.amount).join(Order.customer))
        assert sorted(late.scalars()) == [10, 20, 30]
        with pytest.raises(PermissionError):
            refused.all()


@pytest.mark.parametrize("access", ["none", "shipping", "segmenting", "signup"])
@pytest.mark.parametrize("observed", ["orders", "customers"])
def test_statements_of_every_kind_run_just_where_only_observed_tables_stand_against_them(
    observed: str,
    access: str,
    make: Callable[..., Privacy],
    make_engine: Callable[..., Engine],
    tmp_path: Path,
    log: AccessLog,
    backend: str,
) -> None:
    strict, partly = make_engine(), make_engine()
    everywhere = AccessLog.open(tmp_path / "strict")
    enforcing, privacy = make(log=everywhere), make(observed)
    enforcing.install(strict)
    privacy.install(partly)
    world.fill(privacy, partly)
    outcomes: dict[str, tuple[str, str]] = {}
    for name in STATEMENTS:
        everywhere.append("note", b"")
        with ACCESSES[access](enforcing):
            enforced = outcome_of(strict, statement_for(name, backend))
        log.append("note", b"")
        with ACCESSES[access](privacy):
            outcomes[name] = enforced, outcome_of(partly, statement_for(name, backend))
    wrong: dict[str, object] = {}
    told = zip(events_between_notes(everywhere), events_between_notes(log), strict=True)
    for (name, (enforced, found)), (of_all, of_some) in zip(outcomes.items(), told, strict=True):
        all_denials, some_denials = denied_in(of_all, "denied"), denied_in(of_some, "denied")
        noted = denied_in(of_some, "would_deny")
        against = {one.split()[1].partition(".")[0] for one in all_denials if " " in one}
        if enforced == "refused" and against and against <= {observed}:
            good = found != "refused" and noted == all_denials
        elif enforced == "refused" and against:
            good = found == "refused" and set(some_denials) == {one for one in all_denials if observed not in one}
        elif enforced == "refused":  # it cannot be read, or was refused while it was compiled
            good = found == "refused" or bool(noted)
        else:  # "failed": DDL that was run before, on SQLite, which keeps it
            good = found != "refused" and noted == []
        if not good:
            wrong[name] = (enforced, found, all_denials, some_denials, noted)
    assert wrong == {}


def denied_in(events: list[Event], decision: str) -> list[str]:
    return [one for event in events if event.decision == decision and event.kind != "outcome" for one in event.denials]


# -- entities ---------------------------------------------------------------------------------------------------------


def test_entities_of_observed_tables_are_loaded_whole_and_the_others_narrowed(
    orders: Privacy, engine: Engine, log: AccessLog
) -> None:
    with Session(engine) as session, orders.access("shipping", role="warehouse"):
        order = session.scalars(select(Order).options(joinedload(Order.customer)).order_by(Order.id)).first()
        assert order is not None
        assert "amount" in order.__dict__
        assert "town" in order.customer.__dict__
        assert not {"email", "segment"} & set(order.customer.__dict__)
        assert events_of(log, "intent")[-1].decision == "allowed"
        assert order.amount == 10
        assert denials(log, "would_deny") == ["read orders.amount"]
        with pytest.raises(PurposeDenied, match=r"customers\.email"):
            _ = order.customer.email
    assert denials(log, "denied") == ["read customers.email"]


def test_observed_values_stay_in_memory_and_enforced_ones_are_put_away(
    orders: Privacy, engine: Engine, log: AccessLog
) -> None:
    with Session(engine) as session:
        with orders.access("everything", role="clerk"):
            order = session.scalars(select(Order).options(joinedload(Order.customer)).order_by(Order.id)).first()
            assert order is not None
            assert (order.amount, order.customer.email) == (10, "ann@example.com")
        assert order.__dict__["amount"] == order.amount == 10
        assert "email" not in order.customer.__dict__
        with pytest.raises(NoAccess):
            _ = order.customer.email
        session.expire_all()
        assert order.amount == 10


def test_a_hierarchy_over_both_kinds_of_tables(make: Callable[..., Privacy], engine: Engine, log: AccessLog) -> None:
    privacy = make("employees", metadata=people.Base)
    privacy.install(engine)
    people.fill(privacy, engine)
    one = select(Employee).where(Employee.desk == "A1")
    with Session(engine) as session, privacy.access("shipping", role="warehouse"):
        found = session.scalars(one).one()
        assert {"name", "salary", "home"} <= set(found.__dict__)
        assert "email" not in found.__dict__
        assert (found.salary, found.name, found.home) == (10, "Eve", "Elm Road")
        assert denials(log, "would_deny") == ["read employees.salary"]
        assert [event for event in events_of(log, "use") if event.decision == "allowed"] == []
        with pytest.raises(PurposeDenied, match=r"people\.email"):
            _ = found.email
        session.refresh(found)
        assert found.salary == 10
        session.expire(found)
        assert (found.home, found.name) == ("Elm Road", "Eve")
    with pytest.raises(NoAccess):
        _ = found.name
    assert found.salary == 10


def test_the_other_way_round(make: Callable[..., Privacy], engine: Engine, log: AccessLog) -> None:
    privacy = make("people", metadata=people.Base)
    privacy.install(engine)
    people.fill(privacy, engine)
    with Session(engine) as session:
        found = session.scalars(select(Employee).where(Employee.desk == "A1")).one()
        assert (found.name, found.email) == ("Eve", "eve@example.com")
        with pytest.raises(NoAccess, match=r"employees\.salary"):
            _ = found.salary
        made = Person(name="Zoe", email="zoe@example.com")
        session.add(made)
        session.commit()
        assert made.name == "Zoe"
        session.add(Employee(name="New", salary=3))
        with pytest.raises(NoAccess, match=r"employees\.salary"):
            session.flush()
    assert "write employees.salary" in denials(log, "denied")
    assert not [one for one in denials(log, "denied") if "people" in one]


def test_masks_stand_for_enforced_values_only(orders: Privacy, engine: Engine) -> None:
    with Session(engine) as session, orders.access("billing", role="clerk", withheld="none"):
        order = session.scalars(select(Order).order_by(Order.id)).first()
        assert order is not None
        assert order.customer.email is None
    with Session(engine) as session, orders.access("shipping", role="warehouse", withheld="none"):
        order = session.scalars(select(Order).order_by(Order.id)).first()
        assert order is not None
        assert order.amount == 10
        order.amount = 11
        session.flush()
        assert session.scalars(select(Order.amount).where(Order.id == order.id)).one() == 11


async def test_async_engines_observe_by_table_too(
    make: Callable[..., Privacy], async_engine: AsyncEngine, engine: Engine, log: AccessLog
) -> None:
    privacy = make("orders")
    privacy.install(engine)
    world.fill(privacy, engine)
    privacy.install(async_engine)
    async with AsyncSession(async_engine) as session:
        order = (await session.scalars(select(Order).order_by(Order.id))).first()
        assert order is not None
        assert order.amount == 10
        with pytest.raises(NoAccess):
            await session.execute(select(Customer.town))


# -- what was said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"), [("order", "orders"), ("Customers", "customers"), ("products", "customers")]
)
def test_a_table_that_is_not_there_is_refused_with_the_nearest_name(
    said: str, meant: str, make: Callable[..., Privacy], engine: Engine
) -> None:
    privacy = make(said)
    with pytest.raises(PolicyError, match=meant) as caught:
        privacy.install(engine)
    assert f'"{said}"' in caught.value.message
    assert caught.value.hint is not None
    assert "import" in caught.value.hint
    world.Base.metadata.create_all(engine)
    with engine.connect() as connection:  # nothing was installed
        connection.execute(select(Customer.segment)).all()


def test_observing_everything_and_a_table_beside_it_contradicts_itself(make: Callable[..., Privacy]) -> None:
    with pytest.raises(PolicyError, match="every table already"):
        make("orders", mode="observe")


def test_tables_are_named_as_text(make: Callable[..., Privacy]) -> None:
    with pytest.raises(PolicyError, match="as text"):
        make(Customer)


def test_one_name_may_stand_alone(make: Callable[..., Privacy], engine: Engine) -> None:
    privacy = Privacy(world.POLICY, keys=KEYS, log=None, metadata=world.Base, observe="orders")
    privacy.install(engine)
    world.Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(select(Order.amount)).all()
    privacy.close()


def test_a_wall_cannot_observe_a_table(make: Callable[..., Privacy], engine: Engine) -> None:
    with pytest.raises(PolicyError, match="a wall cannot observe"):
        make("orders").install(engine, walls=True)
