"""A connection that breaks off in the midst of a plan says so, at whichever statement, and is no fault of the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from sa_privacy import Privacy
from tests.customers.retention import world
from tests.customers.retention.test_actions import OLD_ORDERS
from tests.customers.retention.test_kept import OPEN, TAX
from tests.support.databases import Database

CLOCK = {"ordered": {"table": "orders", "sql": "orders.at"}}
POLICY = world.policy(
    {"orders": OLD_ORDERS | {"clock": "ordered", "reasons": {"tax": TAX}, "guards": {"open": OPEN}}}, clocks=CLOCK
)


def plan_retention(privacy: Privacy, engine: Engine) -> object:
    with engine.connect() as connection:
        return privacy.retention.plan(connection)


def plan_erasure(privacy: Privacy, engine: Engine) -> object:
    with engine.connect() as connection:
        return privacy.erasure.plan(connection, 1)


@contextmanager
def cut_at(number: int, engine: Engine, plain: Engine) -> Iterator[Any]:
    """The connection that carries this statement out is cut just before."""
    numbers = count()

    def cut(connection: Any, *_: object) -> None:
        if next(numbers) == number:
            pid = connection.connection.driver_connection.info.backend_pid
            with plain.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    event.listen(engine, "before_cursor_execute", cut)
    try:
        yield numbers
    finally:
        event.remove(engine, "before_cursor_execute", cut)


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("do", [plan_retention, plan_erasure])
def test_a_connection_that_breaks_off_says_so(
    database: Database, engine: Engine, make_engine: Callable[..., Engine], do: Callable[[Privacy, Engine], object]
) -> None:
    world.filled(database)
    plain = make_engine()
    cut = 0
    with world.made(engine, POLICY) as privacy, world.officer(privacy):
        while True:
            with cut_at(cut, engine, plain) as numbers:
                try:
                    do(privacy, engine)
                except DBAPIError as error:
                    assert error.connection_invalidated
                else:
                    break
            cut += 1
        assert next(numbers) <= cut, "it was over before that statement"
    assert cut > 5
