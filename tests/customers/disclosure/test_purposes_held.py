"""What people said of a purpose stays said while a processor is given their data for it: whoever says something else waits.

Each on a second connection, in a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import Privacy
from sa_privacy.customers.disclosure.disclosures import Disclosure
from tests.customers import giving
from tests.customers.giving import BO, customers
from tests.support.databases import Database

A_MOMENT = 0.4
CASES = {  # what the policy asks, what was said before, what is said then
    "a consent that is taken back": ("opt_in", "give", "withdraw"),
    "a first objection, where silence means yes": ("opt_out", None, "refuse"),
    "a withdrawal without a word before": ("opt_out", None, "withdraw"),
    "a yes that is taken back, where silence is one too": ("opt_out", "give", "withdraw"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, database: Database) -> Iterator[tuple[Privacy, Engine, str]]:
    consent, before, then = CASES[request.param]
    with giving.shop(database, policy=giving.asking(consent)) as (privacy, engine):
        if before is not None:
            with said(privacy, engine, before):
                pass
        yield privacy, engine, then


@contextmanager
def said(privacy: Privacy, engine: Engine, verb: str) -> Iterator[Session]:
    """Bo says something, and it is committed at the end."""
    words: dict[str, Any] = {"how": "web", "language": "en"}
    with privacy.access("everything", actor="staff:1", role="clerk"), Session(engine) as session:
        getattr(privacy.consents, verb)(session, ("customer", BO), "campaigns", **words)
        yield session
        session.commit()


@contextmanager
def given(privacy: Privacy, engine: Engine) -> Iterator[Disclosure]:
    """Bo's name is given to the printer, and it is committed at the end."""
    with privacy.access("campaigns", actor="staff:2", role="marketing"), Session(engine) as session:
        yield privacy.disclose(session, to="printer", subjects=customers(BO), categories="name")
        session.commit()


def at_once(work: Callable[[], Any]) -> tuple[Future[Any], threading.Thread]:
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    return done, thread


def test_who_objects_waits_until_it_was_given(case: tuple[Privacy, Engine, str]) -> None:
    privacy, engine, verb = case

    def objects() -> None:
        with said(privacy, engine, verb):
            pass

    with given(privacy, engine) as parcel:
        assert parcel.given == 1
        objected, thread = at_once(objects)
        with pytest.raises(TimeoutError):
            objected.result(A_MOMENT)
    objected.result(30)
    thread.join(30)
    with given(privacy, engine) as parcel:
        assert (parcel.given, parcel.left_out) == (0, {"no_consent": 1})


def test_who_gives_waits_for_an_objection_that_is_being_entered(case: tuple[Privacy, Engine, str]) -> None:
    privacy, engine, verb = case

    def gives() -> tuple[int, dict[str, int]]:
        with given(privacy, engine) as parcel:
            return parcel.given, dict(parcel.left_out)

    with said(privacy, engine, verb):
        told, thread = at_once(gives)
        with pytest.raises(TimeoutError):
            told.result(A_MOMENT)
    assert told.result(30) == (0, {"no_consent": 1})
    thread.join(30)


@pytest.mark.backends("postgresql")
def test_nobody_waits_for_what_is_given_of_somebody_else(case: tuple[Privacy, Engine, str]) -> None:
    """And two may give at once."""
    privacy, engine, _ = case
    with given(privacy, engine), ThreadPoolExecutor(1) as pool:

        def another() -> int:
            with given(privacy, engine) as parcel:
                return parcel.given

        assert pool.submit(another).result(30) == 1

        def of_ann() -> None:
            with privacy.access("everything", actor="staff:1", role="clerk"), Session(engine) as session:
                privacy.consents.refuse(session, ("customer", giving.ANN), "campaigns", how="web")
                session.commit()

        pool.submit(of_ann).result(30)
