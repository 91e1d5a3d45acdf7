"""What the database says of names is asked once in a while, not with every statement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Keyring, NoAccess, Privacy
from sa_privacy.gate.relations import LiveRelations
from tests.gate import world
from tests.gate.world import Customer, Product

SHOWN = text("SELECT title FROM shown")
PLAIN = "CREATE VIEW shown AS SELECT title FROM products"
PERSONAL = "CREATE VIEW shown AS SELECT segment AS title FROM customers"
RECHECK = 0.2


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that reach the database, as they are asked."""
    questions: list[str] = []
    ask = LiveRelations._ask

    def noted(self: LiveRelations, sql: str) -> object:
        questions.append(sql)
        return ask(self, sql)

    monkeypatch.setattr(LiveRelations, "_ask", noted)
    return questions


@contextmanager
def guarded(engine: Engine, log: AccessLog, recheck: float) -> Iterator[Engine]:
    privacy = Privacy(world.POLICY, keys=Keyring.generate(), log=log, metadata=world.Base, recheck=recheck)
    try:
        privacy.install(engine)
        world.fill(privacy, engine)
        yield engine
    finally:
        privacy.close()


@pytest.mark.parametrize(
    "statement",
    [
        lambda: select(Product.title),
        lambda: insert(Product).values(title="x"),
        lambda: text("SELECT title FROM products"),
        lambda: text("SELECT lower(title) FROM products WHERE title LIKE 'x%'"),
        lambda: select(Product).join(Customer, Customer.id == Product.id),
    ],
)
def test_a_statement_asks_once_and_then_no_more(
    statement: Callable[[], object], engine: Engine, log: AccessLog, asked: list[str]
) -> None:
    made = statement()
    with guarded(engine, log, 60) as shop, Session(shop) as session:
        session.execute(made)  # type: ignore[call-overload]
        asked.clear()
        for _ in range(3):
            session.execute(made)  # type: ignore[call-overload]
    assert asked == []


def test_with_no_time_to_hold_every_statement_asks(engine: Engine, log: AccessLog, asked: list[str]) -> None:
    with guarded(engine, log, 0) as shop, Session(shop) as session:
        session.scalars(select(Product.title)).all()
        asked.clear()
        session.scalars(select(Product.title)).all()
    assert asked


def test_what_was_changed_elsewhere_counts_after_a_while(
    engine: Engine, make_engine: Callable[..., Engine], log: AccessLog
) -> None:
    with guarded(engine, log, RECHECK) as shop:
        elsewhere = make_engine()
        change(elsewhere, PLAIN)
        with shop.connect() as connection:
            connection.execute(SHOWN)
            connection.rollback()
            change(elsewhere, "DROP VIEW shown", PERSONAL)
            time.sleep(2 * RECHECK)
            with pytest.raises(NoAccess):
                connection.execute(SHOWN)


def test_what_is_changed_through_the_engine_counts_at_once(engine: Engine, log: AccessLog) -> None:
    with guarded(engine, log, 60) as shop, shop.connect() as first, shop.connect() as second:
        first.execute(text("CREATE TABLE shown (title TEXT)"))
        first.commit()
        for connection in (first, second):
            connection.execute(SHOWN)
            connection.rollback()
        first.execute(text("DROP TABLE shown"))
        first.commit()
        for connection in (first, second):
            with pytest.raises(Exception, match=r"no such table|does not exist|own words are hidden"):
                connection.execute(SHOWN)
            connection.rollback()


def test_what_is_changed_in_a_transaction_is_asked_about_until_it_has_ended(
    engine: Engine, log: AccessLog, asked: list[str]
) -> None:
    with guarded(engine, log, 60) as shop, shop.connect() as connection:
        connection.execute(text("CREATE TABLE other (title TEXT)"))
        connection.execute(select(Product.title))
        asked.clear()
        connection.execute(select(Product.title))
        assert asked  # names may be other ones at any moment of this transaction
        connection.rollback()
        connection.execute(select(Product.title))
        asked.clear()
        connection.execute(select(Product.title))
        assert asked == []


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("word", ["SET search_path = hidden", "SET LOCAL search_path = hidden"])
def test_another_search_path_counts_at_once_and_so_does_its_end(
    word: str, engine: Engine, make_engine: Callable[..., Engine], log: AccessLog
) -> None:
    with guarded(engine, log, 60) as shop:
        change(
            make_engine(),
            "CREATE SCHEMA hidden",
            PLAIN,
            PERSONAL.replace("VIEW shown", "VIEW hidden.shown").replace("FROM customers", "FROM public.customers"),
        )
        with shop.connect() as connection:
            connection.execute(SHOWN)
            connection.execute(text(word))
            with pytest.raises(NoAccess):
                connection.execute(SHOWN)
            connection.rollback()
            assert connection.execute(SHOWN).all()


@pytest.mark.backends("sqlite")
def test_a_temporary_view_is_known_to_its_connection_alone(engine: Engine, log: AccessLog) -> None:
    with guarded(engine, log, 60) as shop, shop.connect() as first, shop.connect() as second:
        first.execute(text("CREATE TEMP TABLE shown (title TEXT)"))
        first.commit()
        assert first.execute(SHOWN).all() == []
        with pytest.raises(OperationalError, match="no such table"):
            second.execute(SHOWN)


def change(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
