"""Whatever a form brings gets an error of the library, and nothing is entered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import Privacy, RequestRefused
from tests.customers.requests import asking
from tests.support.databases import Database


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
