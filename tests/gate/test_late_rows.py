"""Rows that one access asked for are fetched under another one only where that reaches the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy, RowsDenied
from tests.gate import ruled
from tests.gate.owned import Customer
from tests.support.databases import Database

EVERYONE = select(Customer).order_by(Customer.id)
NAMES = select(Customer.name).order_by(Customer.id)


@pytest.fixture
def log(tmp_path: Any) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def privacy(database: Database, engine: Engine, log: AccessLog) -> Iterator[Privacy]:
    ruled.filled(database)
    made = ruled.made(log)
    made.install(engine)
    made.restrict(Customer, role="support", where=lambda c, access: c.id.in_(access.details["mine"]))
    yield made
    made.close()


def senior(privacy: Privacy) -> AbstractContextManager[Any]:
    """An access that reaches everybody."""
    return privacy.access("desk", role="senior", actor="staff:2")


NARROW: dict[str, Callable[[Privacy], AbstractContextManager[Any]]] = {
    "a row rule": lambda privacy: privacy.access("desk", role="support", actor="staff:1", mine=[1]),
    "one's own rows": lambda privacy: privacy.access("account", role="customer", actor="customer:1", subject=1),
    "consent": lambda privacy: privacy.access("campaign", role="marketing", actor="staff:3"),
}
STREAMED: dict[str, Callable[[Session], Iterator[Any]]] = {
    "entities": lambda session: iter(session.scalars(EVERYONE.execution_options(yield_per=1))),
    "parts": lambda session: iter(session.scalars(EVERYONE).yield_per(1).partitions()),
    "rows": lambda session: iter(session.execute(NAMES.execution_options(yield_per=1))),
    "Core": lambda session: iter(session.connection().execute(NAMES)),
    "text": lambda session: iter(session.execute(text("SELECT name FROM customers ORDER BY id"))),
}


@pytest.mark.parametrize("narrow", NARROW)
@pytest.mark.parametrize("what", STREAMED)
def test_rows_do_not_go_on_under_an_access_that_may_not_reach_them(
    privacy: Privacy, engine: Engine, log: AccessLog, what: str, narrow: str
) -> None:
    with senior(privacy), Session(engine) as session:
        rows = STREAMED[what](session)
        next(rows)
        with NARROW[narrow](privacy), pytest.raises(RowsDenied, match=r"asked for under an access with other rows"):
            next(rows)
    assert [event.denials for event in log.events() if event.kind == "outcome"][-1] == ["rows of another access"]


@pytest.mark.parametrize("narrow", NARROW)
def test_nor_is_a_result_begun_there(privacy: Privacy, engine: Engine, narrow: str) -> None:
    with senior(privacy), Session(engine) as session:
        everyone = session.scalars(EVERYONE)
        with NARROW[narrow](privacy), pytest.raises(RowsDenied):
            everyone.all()


@pytest.mark.parametrize("narrow", NARROW)
def test_they_go_on_where_they_were_asked_for(privacy: Privacy, engine: Engine, narrow: str) -> None:
    """As a job does that opens an access for each person."""
    with senior(privacy), Session(engine) as session:
        seen = []
        for found in session.scalars(EVERYONE.execution_options(yield_per=1)):
            with NARROW[narrow](privacy):
                pass
            seen.append(found.name)
        assert seen == list(session.scalars(NAMES))


@pytest.mark.parametrize("narrow", NARROW)
def test_they_go_on_under_one_with_the_same_rows_or_more(privacy: Privacy, engine: Engine, narrow: str) -> None:
    with NARROW[narrow](privacy), Session(engine) as session:
        for inner in (NARROW[narrow], senior):
            expected = [row.name for row in session.execute(NAMES)]
            rows = session.execute(NAMES)
            with inner(privacy):
                assert [row.name for row in rows] == expected


async def test_it_is_the_same_under_asyncio(privacy: Privacy, async_engine: AsyncEngine) -> None:
    privacy.install(async_engine)
    async with AsyncSession(async_engine) as session:
        with senior(privacy):
            rows = await session.stream_scalars(EVERYONE.execution_options(yield_per=1))
            await anext(aiter(rows))
            with NARROW["a row rule"](privacy), pytest.raises(RowsDenied):
                await anext(aiter(rows))
