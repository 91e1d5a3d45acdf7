"""Triggers stand wherever rows of a table can be: in its partitions, in what inherits from it, and above what a query finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Engine, ForeignKey, Index, Integer, MetaData, Table, UniqueConstraint, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import HoldRefused, Privacy, UnderHold
from sa_privacy.customers.holds.guarded import Guarded
from tests.customers.holds import world
from tests.customers.holds.world import Item, Order, officer, place, release
from tests.support.databases import Database

OF_ORDER = "EXISTS (SELECT 1 FROM orders o WHERE o.id = items.order_id AND o.total > 75)"
OF_CITY = "EXISTS (SELECT 1 FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = order_id AND c.city = 'Kyoto')"


@pytest.fixture
def made(database: Database, engine: Engine) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine) as privacy:
        yield privacy


def run(engine: Engine, *statements: str) -> None:
    """Past the gate, committed."""
    other = world.plain(engine)
    try:
        with other.begin() as connection:
            for one in statements:
                connection.exec_driver_sql(one)
    finally:
        other.dispose()


def must_stay(engine: Engine, *statements: str) -> None:
    before = world.state(engine)
    for one in statements:
        with pytest.raises(DBAPIError, match="hold"):
            run(engine, one)
    assert world.state(engine) == before


@pytest.mark.backends("postgresql")
def test_partitions_are_guarded_also_those_that_come_later(made: Privacy, engine: Engine) -> None:
    run(
        engine,
        "ALTER TABLE reviews RENAME TO former",
        "CREATE TABLE reviews (LIKE former) PARTITION BY RANGE (id)",
        "CREATE TABLE first PARTITION OF reviews FOR VALUES FROM (0) TO (2)",
        "CREATE TABLE second PARTITION OF reviews FOR VALUES FROM (2) TO (9)",
        "INSERT INTO reviews SELECT * FROM former",
    )
    with officer(made):
        assert made.holds.guard(engine) == ("reviews",)
    place(made, engine, subject=1)
    replica = "SET session_replication_role = replica; DELETE FROM first"
    must_stay(engine, "DELETE FROM first", "TRUNCATE first", "TRUNCATE reviews", replica)
    run(engine, "CREATE TABLE third PARTITION OF reviews FOR VALUES FROM (9) TO (99)")
    run(engine, "INSERT INTO reviews SELECT 10, customer_id, text FROM former WHERE id = 1")
    must_stay(engine, "DELETE FROM third", "TRUNCATE reviews")
    with officer(made), Session(engine) as session:
        assert made.holds.unguarded(session) == ("reviews",)
        assert made.holds.guard(engine) == ("reviews",)
        assert made.holds.unguarded(session) == ()
    must_stay(engine, "TRUNCATE third")
    run(engine, "TRUNCATE second")  # in which nothing is held


@pytest.mark.backends("postgresql")
def test_tables_that_inherit_are_guarded(made: Privacy, engine: Engine) -> None:
    run(engine, "CREATE TABLE former () INHERITS (reviews)", "INSERT INTO former SELECT * FROM reviews WHERE id = 1")
    with officer(made):
        assert made.holds.guard(engine) == ("reviews",)
    place(made, engine, subject=1)
    must_stay(
        engine, "DELETE FROM former", "TRUNCATE former", "DELETE FROM reviews WHERE tableoid = 'former'::regclass"
    )


@pytest.mark.parametrize("condition", [OF_ORDER, OF_CITY])
def test_what_a_query_finds_does_not_go_with_another_row(made: Privacy, engine: Engine, condition: str) -> None:
    hold = place(made, engine, query=(Item, condition))
    must_stay(engine, "DELETE FROM orders WHERE id = 12", "DELETE FROM customers WHERE id = 1")
    if engine.dialect.name == "sqlite":
        must_stay(engine, "REPLACE INTO orders (id, customer_id, code, total) VALUES (12, 2, 'new', 0)")
    with world.clerk(made), Session(engine) as session, pytest.raises(UnderHold) as caught:
        session.connection().execute(text("DELETE FROM orders WHERE id = 12"))
    assert caught.value.case == "2026-17"
    run(engine, "UPDATE orders SET total = total", "DELETE FROM items WHERE order_id = 99")
    release(made, engine, hold)
    with officer(made):
        made.holds.guard(engine)
    run(engine, "DELETE FROM customers WHERE id = 1")
    other = world.plain(engine)
    with other.connect() as connection:
        assert not connection.execute(_MARKED[engine.dialect.name]).all()
    other.dispose()


_MARKED: dict[str, Any] = {
    "sqlite": text(r"SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%\_q%' ESCAPE '\'"),
    "postgresql": text(r"SELECT proname FROM pg_proc WHERE proname LIKE 'sa\_privacy\_hold\_%\_q%'"),
}


def test_guard_makes_the_triggers_of_queries_anew(made: Privacy, engine: Engine) -> None:
    """As after a migration that copied the table, or with models of which more is personal."""
    place(made, engine, query=(Order, "orders.total < 75"))
    other = world.plain(engine)
    with other.begin() as connection:
        for (name,) in connection.execute(_MARKED[engine.dialect.name]).all():
            drop = f"DROP TRIGGER {name}" if engine.dialect.name == "sqlite" else f"DROP FUNCTION {name} CASCADE"
            connection.execute(text(drop))
    other.dispose()
    with officer(made), Session(engine) as session:
        assert made.holds.unguarded(session) == ("orders", "customers")
        assert made.holds.guard(engine) == ("orders", "customers")
        assert made.holds.unguarded(session) == ()
    must_stay(engine, "DELETE FROM orders WHERE id = 11")


@pytest.mark.backends("postgresql")
def test_tables_under_another_name_have_no_triggers(made: Privacy, engine: Engine) -> None:
    moved = engine.execution_options(schema_translate_map={None: "tenant"})
    run(engine, "CREATE SCHEMA tenant")
    with officer(made), Session(moved) as session:
        made.metadata.create_all(session.connection())
        with pytest.raises(HoldRefused, match="schema_translate_map"):
            made.holds.unguarded(session)
        with pytest.raises(HoldRefused, match="schema_translate_map"):
            place(made, moved, table=Order)
        with pytest.raises(HoldRefused, match="schema_translate_map"):
            made.holds.guard(session.connection())


def test_the_same_table_has_the_same_triggers_in_every_process() -> None:
    """SQLAlchemy keeps constraints and indexes in sets, whose order is another one each time: nothing may hang on it."""

    def unique() -> list[list[str]]:
        names = "abcdef"
        table = Table("t", MetaData(), *(Column(name, Integer) for name in names))
        for at in range(len(names) - 1):
            table.append_constraint(UniqueConstraint(names[at], names[at + 1]))
            Index(f"ix_{at}", table.c[names[at]], unique=True)
        return [[column.name for column in one] for one in Guarded("t", table, None, (), ()).unique()]

    assert len({str(unique()) for _ in range(50)}) == 1


class Another(DeclarativeBase):
    """Registry of two models."""


class Guest(Another):
    """Stands in a table."""

    __tablename__ = "guests"
    id: Mapped[int] = mapped_column(primary_key=True)


class Member(Guest):
    """Stands in two."""

    __tablename__ = "members"
    id: Mapped[int] = mapped_column(ForeignKey("guests.id"), primary_key=True)


def test_a_class_in_several_tables_is_held_by_table(made: Privacy, engine: Engine) -> None:
    for what in ({"row": (Member, 1)}, {"table": Member}, {"query": (Member, "true")}):
        with pytest.raises(HoldRefused, match="several tables: guests, members"):
            place(made, engine, **what)
