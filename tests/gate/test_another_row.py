"""An object that is made to stand for another row takes no values there that the access in force does not reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, make_transient, make_transient_to_detached

from sa_privacy import Privacy, RowsDenied
from tests.gate import ruled
from tests.gate.owned import Customer, Order
from tests.support.databases import Database

NEW = 900


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    ruled.filled(database)
    made = ruled.made()
    made.install(engine)
    made.restrict(Customer, role="support", where=lambda c, _: c.id.in_([1, NEW]))
    yield made
    made.close()


@pytest.fixture
def session(engine: Engine, privacy: Privacy) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


def senior(privacy: Privacy) -> AbstractContextManager[Any]:
    """An access that reaches everybody."""
    return privacy.access("desk", role="senior", actor="staff:2")


def support(privacy: Privacy) -> AbstractContextManager[Any]:
    """An access that reaches customer 1, and one that is yet to come."""
    return privacy.access("desk", role="support", actor="staff:1")


def customer(privacy: Privacy) -> AbstractContextManager[Any]:
    """Customer 1."""
    return privacy.access("account", role="customer", actor="customer:1", subject=1)


def bo(session: Session) -> Any:
    """Somebody out of reach."""
    found = session.get_one(Customer, 2)
    assert found.name == "Bo"
    return found


def order_of_bo(session: Session) -> Any:
    """What belongs to somebody else."""
    found = session.scalars(select(Order).where(Order.customer_id == 2)).first()
    assert found is not None
    assert found.amount
    return found


def named(found: Any) -> Any:
    return found.name


def amount(found: Any) -> Any:
    return found.amount


CASES: dict[str, tuple[Callable[[Privacy], Any], Callable[[Session], Any], Callable[[Any], Any]]] = {
    "a row rule": (support, bo, named),
    "one's own rows": (customer, order_of_bo, amount),
}


@pytest.mark.parametrize("case", CASES)
def test_a_new_row_gets_no_values_of_one_out_of_reach(privacy: Privacy, session: Session, case: str) -> None:
    narrow, load, value = CASES[case]
    with senior(privacy):
        found = load(session)
        make_transient(found)
        found.id = NEW
        if isinstance(found, Order):
            found.customer_id = 1
        with narrow(privacy):
            with pytest.raises(RowsDenied):
                value(found)
            session.add(found)
            with pytest.raises(RowsDenied):
                session.flush()
            session.rollback()
        assert session.get(type(found), NEW) is None


@pytest.mark.parametrize("case", CASES)
def test_nor_does_an_object_show_them_as_those_of_a_row_within_reach(
    privacy: Privacy, session: Session, case: str
) -> None:
    narrow, load, value = CASES[case]
    with senior(privacy):
        found = load(session)
        theirs = value(found)
        session.expunge(found)
        make_transient(found)
        found.id = 1
        if isinstance(found, Order):
            found.customer_id = 1
        make_transient_to_detached(found)
        with narrow(privacy):
            session.add(found)
            with suppress(RowsDenied):  # what was put away is loaded again, from the row that it stands for now
                assert value(found) != theirs
            session.refresh(found)
            fresh = value(found)
        with narrow(privacy):
            assert value(found) == fresh, "the row's own are shown"
    assert fresh != theirs


@pytest.mark.parametrize("case", CASES)
def test_who_loaded_it_may_copy_it(privacy: Privacy, session: Session, case: str) -> None:
    _, load, value = CASES[case]
    with senior(privacy):
        found = load(session)
        before = value(found)
        make_transient(found)
        found.id = NEW
        session.add(found)
        session.flush()
        assert value(found) == before
        with senior(privacy):
            assert value(found) == before
        with support(privacy):
            session.expire(found)
            assert value(found) == before, "of the new row, which is within reach"
