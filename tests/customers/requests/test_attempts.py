"""Checks of identity against one person fail a few times, in however many requests, and nothing tells whether they are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy
from sa_privacy.customers.requests.tables import STEPS
from sa_privacy.errors import RequestRefused
from tests.customers.requests import asking
from tests.customers.requests.asking import Clock, customer, maintenance, officer
from tests.support.databases import Database

CARD: dict[str, Any] = {"method": "identity_card", "evidence": "card of the zebra seen"}
THERE, NOWHERE = ("customer", 1), ("customer", 4711)
MOST = 6


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def shop(database: Database, engine: Engine, log: AccessLog) -> Iterator[tuple[Privacy, Clock]]:
    asking.filled(database)
    with asking.protected(engine, log) as made:
        yield made


@pytest.fixture
def privacy(shop: tuple[Privacy, Clock]) -> Privacy:
    return shop[0]


def check(privacy: Privacy, session: Session, subject: object, *, passed: bool = False) -> str:
    """Another request, and a check for it; what state it is in then."""
    with officer(privacy):
        reference = privacy.requests.receive(session, "disclosure", claimed="Ann Arbor").reference
        state = privacy.requests.identify(session, reference, subject, **CARD, passed=passed).state
        session.commit()
    return state


@pytest.mark.parametrize("subject", [THERE, NOWHERE], ids=["there", "nowhere"])
def test_many_requests_give_no_more_attempts_than_one_would(
    privacy: Privacy, engine: Engine, shop: tuple[Privacy, Clock], subject: object
) -> None:
    clock = shop[1]
    with Session(engine) as session:
        for _ in range(MOST):
            assert check(privacy, session, subject) == "received"
            clock.pass_(minutes=1)
        for passed in (False, True):
            with pytest.raises(RequestRefused, match="failed too often lately"):
                check(privacy, session, subject, passed=passed)
            session.rollback()
        assert check(privacy, session, ("customer", 2), passed=True) == "identified"
        clock.pass_(days=2, minutes=-MOST - 1)
        with pytest.raises(RequestRefused, match="failed too often lately"):
            check(privacy, session, subject, passed=True)
        session.rollback()
        clock.pass_(minutes=1)  # two days after the first
        assert check(privacy, session, subject, passed=True) == ("identified" if subject == THERE else "received")


def test_a_key_written_otherwise_is_the_same_person(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        for number in range(MOST):
            check(privacy, session, ("customer", "1") if number % 2 else THERE)
        with pytest.raises(RequestRefused, match="failed too often lately"):
            check(privacy, session, ("customer", "1"), passed=True)


def test_who_is_signed_in_is_not_kept_out_by_what_others_tried(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        for _ in range(MOST):
            check(privacy, session, THERE)
        with customer(privacy, 1):
            assert privacy.requests.receive(session, "disclosure").state == "identified"


def test_one_who_is_there_and_one_who_is_not_are_refused_alike(privacy: Privacy, engine: Engine) -> None:
    """The same words, and the same statements in the same order."""

    def run(subject: object) -> tuple[str, list[str]]:
        statements: list[str] = []

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            statements.append(statement)

        with Session(engine) as session:
            for _ in range(MOST):
                check(privacy, session, subject)
            event.listen(engine, "before_cursor_execute", note)
            with pytest.raises(RequestRefused) as refused:
                check(privacy, session, subject, passed=True)
            event.remove(engine, "before_cursor_execute", note)
        return str(refused.value), statements

    run(("customer", 2))  # what is compiled once
    there = run(THERE)
    assert there == run(NOWHERE)
    assert "zebra" not in there[0]


def test_no_step_says_in_the_clear_whom_a_failed_check_was_about(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        for subject in (THERE, NOWHERE):
            check(privacy, session, subject)
        with maintenance(privacy):
            steps = session.execute(select(STEPS.c.subject_kind, STEPS.c.subject, STEPS.c.checked)).all()
    assert [(row.subject_kind, row.subject) for row in steps] == [(None, None)] * 2
    logged = {asking.KEYS.pseudonym_key().of("customer", key) for key in (1, 4711)}
    assert len({row.checked for row in steps} - logged) == 2
    assert {len(row.checked) for row in steps} == {26}


def test_many_who_check_at_once_fail_no_more_often(privacy: Privacy, engine: Engine, database: Database) -> None:
    """Eight desks, each with a request of its own, try the same person: what they read of each other is old."""
    crowd = 8
    with Session(engine) as session, officer(privacy):
        references = [privacy.requests.receive(session, "disclosure", claimed="Ann").reference for _ in range(crowd)]
        session.commit()
    begin = Barrier(crowd)
    told: list[str] = []

    def desk(reference: str) -> None:
        begin.wait()
        for _ in range(3):
            with Session(engine) as session, officer(privacy):
                try:
                    told.append(privacy.requests.identify(session, reference, THERE, **CARD, passed=False).state)
                    session.commit()
                except (RequestRefused, OperationalError) as error:  # SQLite: the database is locked
                    told.append(type(error).__name__)

    threads = [Thread(target=desk, args=(reference,)) for reference in references]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 3 * crowd
    assert 1 <= sum(state in ("received", "closed") for state in told) <= MOST
    with maintenance(privacy), Session(engine) as session:
        numbers = session.scalars(select(STEPS.c.check_number).order_by(STEPS.c.check_number)).all()
    assert list(numbers) == list(range(1, len(numbers) + 1))
    assert len(numbers) <= MOST


async def test_it_is_the_same_under_asyncio(database: Database, async_engine: AsyncEngine) -> None:
    asking.filled(database)
    privacy = Privacy(asking.POLICY, keys=asking.KEYS, log=None, metadata=asking.Base)
    privacy.install(async_engine)
    async with AsyncSession(async_engine) as session:
        for _ in range(MOST):
            assert await session.run_sync(lambda s: check(privacy, s, THERE)) == "received"
        with pytest.raises(RequestRefused, match="failed too often lately"):
            await session.run_sync(lambda s: check(privacy, s, THERE, passed=True))
    privacy.close()
