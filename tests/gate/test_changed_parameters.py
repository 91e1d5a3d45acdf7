"""A listener that puts other parameters in place of those that were judged reaches no other rows by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import Session

from sa_privacy import Privacy, RowsDenied
from tests.gate import ruled
from tests.gate.owned import Customer
from tests.support.databases import Database


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    ruled.filled(database)
    made = ruled.made()
    made.install(engine)
    made.restrict(Customer, role="support", where=lambda c, access: c.id == access.details["mine"])
    yield made
    made.close()


def other(value: Any) -> Any:
    return 2 if value == 1 else value


def listen(engine: Engine, *, change: bool) -> None:
    """As whoever tags or converts what is sent: the last to see it."""

    def before(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:
        put = other if change else lambda value: value
        if isinstance(parameters, dict):
            return statement, {name: put(value) for name, value in parameters.items()}
        return statement, type(parameters)(put(value) for value in parameters)

    event.listen(engine, "before_cursor_execute", before, retval=True)


NARROW = {
    "a row rule": lambda privacy: privacy.access("desk", role="support", actor="staff:1", mine=1),
    "one's own rows": lambda privacy: privacy.access("account", role="customer", actor="customer:1", subject=1),
}


@pytest.mark.parametrize("narrow", NARROW)
def test_other_rows_are_not_reached(privacy: Privacy, engine: Engine, narrow: str) -> None:
    entered: AbstractContextManager[Any] = NARROW[narrow](privacy)
    listen(engine, change=True)
    with entered, Session(engine) as session:
        for statement in (
            select(Customer.name),
            select(Customer.tier),
            update(Customer).values(tier="gold"),
            update(Customer).values(name="x"),
        ):
            with pytest.raises(RowsDenied, match="a listener has changed the parameters"):
                session.execute(statement)
        session.rollback()


@pytest.mark.parametrize("narrow", NARROW)
def test_a_listener_that_copies_them_changes_nothing(privacy: Privacy, engine: Engine, narrow: str) -> None:
    listen(engine, change=False)
    with NARROW[narrow](privacy), Session(engine) as session:
        assert session.scalars(select(Customer.name)).all() == ["Ann"]
        session.execute(update(Customer).values(tier="gold"), execution_options={"synchronize_session": False})
        ann = session.get_one(Customer, 1)
        ann.name = "Anna"
        session.flush()
        assert session.scalars(select(Customer.name)).all() == ["Anna"]
        session.rollback()


def test_where_rows_do_not_depend_on_who_acts_it_is_nobodys_business(privacy: Privacy, engine: Engine) -> None:
    listen(engine, change=True)
    with privacy.access("desk", role="senior", actor="staff:2"), Session(engine) as session:
        assert session.scalars(select(Customer.name).where(Customer.id == 1)).all() == ["Bo"]
