"""An engine that observes notes where in the application a statement comes from, and for which route."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, NoAccess, Policy, Privacy, PurposeDenied
from tests.gate import world
from tests.gate.watch import events_of
from tests.gate.world import EVERYONE, Customer, Order, Product
from tests.support.databases import Database

KEYS = world.KEYS
HERE = "tests/gate/test_site.py"
LIBRARY = """
def fetch(session, statement):
    return session.execute(statement).all()

def hand(callback):
    return callback()
"""


@pytest.fixture
def watching(log: AccessLog, database: Database, engine: Engine) -> Iterator[Privacy]:
    """A Privacy that observes, with rows."""
    world.filled(database)
    privacy = Privacy(world.POLICY, keys=KEYS, log=log, mode="observe", metadata=world.Base)
    privacy.install(engine)
    yield privacy
    privacy.close()


def sites(log: AccessLog) -> list[str | None]:
    """The call sites of the statements, without their lines."""
    found = [event.site for event in events_of(log, "intent", "use")]
    return [
        None if site is None else f"{site.partition(':')[0]} {site.rpartition(' in ')[2].rpartition('.')[2]}"
        for site in found
    ]


def test_every_kind_of_statement_says_where_it_comes_from(watching: Privacy, engine: Engine, log: AccessLog) -> None:
    before = len(sites(log))

    def orm(session: Session) -> None:
        session.scalars(EVERYONE).all()

    def core(session: Session) -> None:
        session.execute(select(Customer.town)).all()

    def driver(session: Session) -> None:
        session.connection().exec_driver_sql("SELECT town FROM customers").all()

    def many(session: Session) -> None:
        session.execute(insert(Order), [{"customer_id": 1, "amount": 1}] * 3)

    def flush(session: Session) -> None:
        session.add(Order(customer_id=1, amount=5))
        session.flush()

    @contextlib.contextmanager
    def lazily(session: Session) -> Iterator[None]:
        yield
        assert session.get_one(Order, 1).customer.orders

    with Session(engine) as session:
        for work in (orm, core, driver, many, flush):
            work(session)
        with lazily(session):
            pass
    found = sites(log)[before:]
    assert found[:5] == [f"{HERE} {name}" for name in ("orm", "core", "driver", "many", "flush")]
    assert set(found[5:]) == {f"{HERE} lazily"}
    assert all(event.site == outcome.site for event, outcome in zip(*_pairs(log), strict=True))


def _pairs(log: AccessLog) -> tuple[list[Any], list[Any]]:
    outcomes = events_of(log, "outcome")
    intents = {event.seq: event for event in events_of(log, "intent")}
    return [intents[outcome.intent or 0] for outcome in outcomes], outcomes


def test_the_line_is_the_one_that_asked(watching: Privacy, engine: Engine, log: AccessLog) -> None:
    with engine.connect() as connection:
        line = sys._getframe().f_lineno + 1
        connection.execute(select(Customer.town)).all()
    assert events_of(log, "intent")[-1].site == f"{HERE}:{line} in test_the_line_is_the_one_that_asked"


def test_an_attribute_that_is_read_says_where(watching: Privacy, engine: Engine, log: AccessLog) -> None:
    def render(customer: Customer) -> str:
        return customer.name

    with Session(engine) as session:
        customer = session.scalars(EVERYONE).all()[0]
        render(customer)
    use = events_of(log, "use")[-1]
    assert (use.decision, use.reads, use.categories) == ("would_deny", ["customers.name"], {"customers.name": "name"})
    assert use.site is not None
    assert use.site.endswith(" in test_an_attribute_that_is_read_says_where.render")


def test_what_columns_hold_is_said_with_it(watching: Privacy, engine: Engine, log: AccessLog) -> None:
    with engine.connect() as connection:
        connection.execute(select(func.lower(Customer.town)).where(Customer.segment == "gold")).all()
    intent = events_of(log, "intent")[-1]
    assert intent.categories == {"customers.town": "address", "customers.segment": "usage_history"}
    assert intent.narrowed == {}


async def test_under_asyncio_it_is_the_coroutine_that_waits(
    async_engine: AsyncEngine, watching: Privacy, log: AccessLog
) -> None:
    watching.install(async_engine)
    before = len(sites(log))

    async def fetch(session: AsyncSession) -> None:
        await session.execute(select(Customer.town))

    async def stream(session: AsyncSession) -> None:
        async for _ in await session.stream(select(Customer.town), execution_options={"yield_per": 1}):
            pass

    async def in_sync(session: AsyncSession) -> None:
        await session.run_sync(inside)

    def inside(session: Session) -> None:
        session.execute(select(Customer.town))

    async with AsyncSession(async_engine) as session:
        await fetch(session)
        await asyncio.create_task(fetch(session))
        await stream(session)
        await in_sync(session)
    assert sites(log)[before:] == [f"{HERE} {name}" for name in ("fetch", "fetch", "stream", "inside")]


@pytest.fixture
def library(tmp_path: Path) -> ModuleType:
    """A package that was installed."""
    path = tmp_path / "site-packages" / "somelib.py"
    path.parent.mkdir()
    path.write_text(LIBRARY)
    spec = importlib.util.spec_from_file_location("somelib", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_application_is_meant_and_not_a_library_between(
    library: ModuleType, watching: Privacy, engine: Engine, log: AccessLog
) -> None:
    with Session(engine) as session:
        library.fetch(session, select(Customer.town))
        library.hand(lambda: library.fetch(session, select(Customer.town)))
    assert sites(log)[-2:] == [f"{HERE} test_the_application_is_meant_and_not_a_library_between"] * 2


def test_an_application_that_is_itself_installed_is_found_all_the_same(
    library: ModuleType, watching: Privacy, engine: Engine, log: AccessLog
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Session(engine) as session, ThreadPoolExecutor(1) as pool:  # nothing of the tests is on the stack there
        pool.submit(library.fetch, session, select(Customer.town)).result()
    assert sites(log)[-1] == "somelib.py fetch"


# -- routes -----------------------------------------------------------------------------------------------------------


def test_the_route_that_the_application_names_is_noted(watching: Privacy, engine: Engine, log: AccessLog) -> None:
    with engine.connect() as connection, watching.request("r-1", route="GET /customers"):
        connection.execute(select(Customer.town)).all()
        with watching.access("shipping", role="warehouse"):
            connection.execute(select(Customer.town)).all()
        watching.current().bind(route="GET /customers/{id}")
        connection.execute(select(Customer.town)).all()
        watching.carry(lambda: connection.execute(select(Customer.town)).all())()
    assert [event.route for event in events_of(log, "intent")[-4:]] == ["GET /customers"] * 2 + [
        "GET /customers/{id}"
    ] * 2
    assert {event.request for event in events_of(log, "intent")[-4:]} == {"r-1"}


# -- an engine that enforces ------------------------------------------------------------------------------------------


def test_an_engine_that_enforces_looks_for_the_call_site_of_what_it_lets_through_once(
    shop: Engine, privacy: Privacy, log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> str:
        raise AssertionError("the stack was looked at")

    monkeypatch.setattr("sa_privacy.gate.statements.evidence.call_site", never)
    with privacy.access("everything", role="clerk"), Session(shop) as session:
        session.scalars(EVERYONE).all()
        session.scalars(select(Customer.segment)).all()
    monkeypatch.setattr("sa_privacy.gate.door.call_site", never)
    with Session(shop) as session:
        with privacy.access("everything", role="clerk", route="GET /customers"):
            assert [customer.name for customer in session.scalars(EVERYONE)]
            assert session.scalars(select(Customer.segment)).all()
        session.execute(select(Product.title)).all()
    last = events_of(log, "intent")[-1]
    assert (last.route, last.site, last.categories) == ("GET /customers", None, {})


def test_what_it_refuses_says_where(shop: Engine, privacy: Privacy, log: AccessLog) -> None:
    with Session(shop) as session:
        with pytest.raises(NoAccess):
            session.execute(text("SELECT town FROM customers"))
        with privacy.access("shipping", role="warehouse"), pytest.raises(PurposeDenied):
            _ = session.scalars(EVERYONE).all()[0].email
    denied = [event for event in events_of(log) if event.decision == "denied"]
    assert [event.kind for event in denied] == ["intent", "use"]
    assert {(event.site or "").rpartition(" in ")[2] for event in denied} == {"test_what_it_refuses_says_where"}


def test_only_what_touches_observed_tables_is_noted_where_others_are_enforced(
    engine: Engine, log: AccessLog, make_engine: Callable[..., Engine]
) -> None:
    privacy = Privacy(world.POLICY, keys=KEYS, log=log, observe=["orders"], metadata=world.Base)
    privacy.install(engine)
    world.fill(privacy, engine)
    with engine.connect() as connection, privacy.access("everything", role="clerk"):
        connection.execute(select(Customer.town)).all()
        connection.execute(select(Order.amount)).all()
    assert [event.site is None for event in events_of(log, "intent")[-2:]] == [True, False]
    privacy.close()


def test_a_column_narrowed_to_purposes_says_so(engine: Engine, log: AccessLog) -> None:
    policy = Policy(
        policy={"id": "narrowed", "version": "1"},
        categories={name: {} for name in world.POLICY.categories},
        purposes={"a": {"use": ["name"]}, "b": {"use": ["name"]}},
        columns={"products.title": {"category": "name", "purposes": ["a"]}},
    )
    privacy = Privacy(policy, keys=KEYS, log=log, mode="observe", metadata=world.Base)
    privacy.install(engine)
    world.Base.metadata.create_all(engine)
    with engine.connect() as connection, privacy.access("b"):
        connection.execute(select(Product.title)).all()
    intent = events_of(log, "intent")[-1]
    assert (intent.decision, intent.narrowed) == ("would_deny", {"products.title": ["a"]})
    privacy.close()
