"""Whatever a form brings gets an error of the library, and nothing is entered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, func
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import Privacy, RequestRefused
from tests.customers.requests import asking
from tests.customers.requests.asking import Customer
from tests.support.databases import Database

ANN = ("customer", 1)
CARD: dict[str, Any] = {"method": "identity_card", "evidence": "card seen"}


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    asking.filled(database)
    with asking.protected(engine, None) as (made, _):
        yield made


@pytest.mark.parametrize(
    "said",
    [
        {"claimed": 5},
        {"claimed": b"x"},
        {"agent": "Eve"},
        {"at": "2026-11-26"},
        {"once": 5},
        {"once": ""},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_not_received(privacy: Privacy, engine: Engine, said: dict[str, Any]) -> None:
    with asking.officer(privacy), Session(engine) as session:
        with pytest.raises(RequestRefused):
            privacy.requests.receive(session, "disclosure", **{"claimed": "Ann", **said})
        assert privacy.requests.list(session) == ()


@pytest.mark.parametrize("reference", ["\ud800", "x\0", "x" * 5000])
def test_no_request_has_such_a_reference(privacy: Privacy, engine: Engine, reference: str) -> None:
    with asking.officer(privacy), Session(engine) as session, pytest.raises(RequestRefused, match="no such request"):
        privacy.requests.show(session, reference)


@pytest.mark.parametrize("reason", [None, 5, " "])
def test_a_reason_is_text(privacy: Privacy, engine: Engine, reason: Any) -> None:
    with asking.officer(privacy), Session(engine) as session:
        reference = privacy.requests.receive(session, "disclosure", claimed="Ann").reference
        with pytest.raises(RequestRefused, match="missing why"):
            privacy.requests.close(session, reference, reason=reason)
        assert privacy.requests.show(session, reference).state == "received"


def test_a_submission_with_half_a_letter_in_its_key_is_received_once(privacy: Privacy, engine: Engine) -> None:
    with asking.officer(privacy), Session(engine) as session:
        first, again = (
            privacy.requests.receive(session, "disclosure", claimed="Ann", once="\ud800").reference for _ in range(2)
        )
    assert first == again


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("received", lambda r, s, one: r.identify(s, one, ANN, **CARD | {"passed": "no"})),
        ("received", lambda r, s, one: r.identify(s, one, ANN, **CARD | {"passed": None})),
        ("received", lambda r, s, one: r.identify(s, one, ANN, **CARD | {"evidence": "\ud800"})),
        ("received", lambda r, s, one: r.close(s, one, reason="\ud800")),
        ("received", lambda r, s, one: r.withdraw(s, one, reason=5)),
        ("disclosure", lambda r, s, one: r.answer(s, one, leave_out=None)),
        ("disclosure", lambda r, s, one: r.answer(s, one, leave_out=5, article="33-2-1", reason="r")),
        ("disclosure", lambda r, s, one: r.answer(s, one, leave_out="orders.note", article="33-2-1", reason="r")),
        ("disclosure", lambda r, s, one: r.answer(s, one, leave_out=[None], article="33-2-1", reason="r")),
        ("disclosure", lambda r, s, one: r.answer(s, one, article="33-2-1", reason="\ud800")),
        ("disclosure", lambda r, s, one: r.preview(s, one, leave_out=None)),
        ("cease_provision", lambda r, s, one: r.cease(s, one, [])),
        ("cease_provision", lambda r, s, one: r.cease(s, one, "advertiser", evidence=5)),
    ],
    ids=lambda one: one if isinstance(one, str) else "step",  # pytest numbers what is alike
)
def test_what_cannot_be_meant_is_no_step(
    privacy: Privacy, engine: Engine, kind: Any, act: Callable[..., object]
) -> None:
    with asking.officer(privacy), Session(engine) as session:
        made = privacy.requests.receive(session, "disclosure" if kind == "received" else kind, claimed="Ann")
        if kind != "received":
            privacy.requests.identify(session, made.reference, ANN, **CARD)
            privacy.requests.begin(session, made.reference)
        before = privacy.requests.show(session, made.reference)
        with pytest.raises(RequestRefused):
            act(privacy.requests, session, made.reference)
        assert privacy.requests.show(session, made.reference) == before


def test_columns_to_leave_out_may_come_from_a_generator(privacy: Privacy, engine: Engine) -> None:
    """It can be gone through once, and is needed twice."""
    with asking.officer(privacy), Session(engine) as session:
        reference = privacy.requests.receive(session, "disclosure", claimed="Ann").reference
        privacy.requests.identify(session, reference, ANN, **CARD)
        privacy.requests.begin(session, reference)
        out: Any = (column for column in ["customers.name"])
        answer = privacy.requests.answer(session, reference, leave_out=out, article="33-2-1", reason="r")
        session.commit()
    assert answer.file is not None
    assert "Ann Arbor" not in answer.file.json()
    assert answer.request.steps[-1].what == ("customers.name",)


@pytest.mark.parametrize(
    "changes",
    [
        {"customers.name": None},
        {"customers.name": 5},
        {"customers.name": "\ud800"},
        {"customers.name": Customer.email},
        {"customers.birthday": "the day of the zebra"},
        {"customers.birthday": 5},
        {"customers.birthday": func.current_date()},
        {"customers.birthday": date(1990, 1, 2), "customers.name": None},
        {"customers.nope": "x"},
        {5: "x"},
    ],
    ids=lambda changes: ", ".join(f"{name} {type(value).__name__}" for name, value in changes.items()),
)
def test_what_a_column_does_not_take_changes_nothing(privacy: Privacy, engine: Engine, changes: dict[Any, Any]) -> None:
    """And the session goes on as if nothing had been."""
    with asking.officer(privacy), Session(engine) as session:
        reference = privacy.requests.receive(session, "correction", claimed="Ann").reference
        privacy.requests.identify(session, reference, ANN, **CARD)
        privacy.requests.begin(session, reference)
        with pytest.raises(RequestRefused) as refused:
            privacy.requests.correct(session, reference, changes, evidence="passport")
        assert not {"zebra", "passport"} & set(str(refused.value).split())
        assert refused.value.__cause__ is None
        privacy.requests.correct(session, reference, {"customers.name": "Anne"}, evidence="passport")
        assert [taken.step for taken in privacy.requests.show(session, reference).steps] == [
            *("identify", "begin", "correct")
        ]
        session.commit()
    with asking.maintenance(privacy), Session(engine) as session:
        kept = session.get_one(Customer, 1)
        assert (kept.name, kept.birthday) == ("Anne", date(1990, 1, 2))


async def test_under_asyncio_too(database: Database, async_engine: AsyncEngine) -> None:
    asking.filled(database)
    privacy = Privacy(asking.POLICY, keys=asking.KEYS, log=None, metadata=asking.Base)
    privacy.install(async_engine)

    def correct(session: Session, changes: dict[str, Any]) -> None:
        with asking.officer(privacy):
            reference = privacy.requests.receive(session, "correction", claimed="Ann").reference
            privacy.requests.identify(session, reference, ANN, **CARD)
            privacy.requests.begin(session, reference)
            with pytest.raises(RequestRefused, match="not one that the column takes"):
                privacy.requests.correct(session, reference, changes, evidence="passport")

    async with AsyncSession(async_engine) as session:
        for changes in (
            {"customers.name": None},
            {"customers.birthday": "the day of the zebra"},
            {"customers.birthday": 5},
        ):
            await session.run_sync(lambda s, c=changes: correct(s, c))  # type: ignore[misc]
    privacy.close()
