"""Who may enter what people say, where the policy says who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import NotGranted, Policy, Privacy, RoleDenied
from sa_privacy.policy.writing import as_sections
from tests.customers.consent.world import Clock, filled, opened, policy
from tests.support.databases import Database

ASKS: dict[str, Callable[[Privacy, Session], object]] = {
    "give": lambda privacy, session: privacy.consents.give(session, 1, "campaigns", how="web", language="en"),
    "refuse": lambda privacy, session: privacy.consents.refuse(session, 1, "campaigns", how="web"),
    "withdraw": lambda privacy, session: privacy.consents.withdraw(session, 1, "improvement", how="web"),
    "state": lambda privacy, session: privacy.consents.state(session, 1, "campaigns"),
    "history": lambda privacy, session: privacy.consents.history(session, 1),
    "export": lambda privacy, session: privacy.consents.export(session, 1),
    "counts": lambda privacy, session: privacy.consents.counts(session),
}
"""All but the receipt, which takes an entry and asks as the history does."""


def limited() -> Policy:
    """Consents are for the desk, who was granted that role, and for who deals with requests."""
    sections = as_sections(policy())
    sections["consents"] = {"roles": ["desk", "clerk"]}
    sections["requests"] = {"roles": ["officer"]}
    sections["roles"] |= {"officer": {}, "clerk": {"granted": True}, "chief": {"grants": ["clerk"]}}
    return Policy(**sections)


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    filled(database)
    with closing(opened(engine, Clock(), limited())) as made:
        yield made


@pytest.mark.parametrize("what", ASKS)
def test_another_role_may_not(privacy: Privacy, engine: Engine, what: str) -> None:
    for access in (
        privacy.access("campaigns", role="marketing", actor="staff:3"),
        privacy.access("campaigns", role="marketing", actor="staff:3", subject=1),
        privacy.access(actor="staff:3"),
    ):
        with access, Session(engine) as session, pytest.raises(RoleDenied) as told:
            ASKS[what](privacy, session)
        assert "clerk, desk, officer may" in (told.value.hint or "")


@pytest.mark.parametrize("what", ASKS)
def test_those_of_the_policy_and_who_deals_with_requests_may(privacy: Privacy, engine: Engine, what: str) -> None:
    for who in (
        {"purpose": "shipping", "role": "desk", "actor": "staff:1"},
        {"role": ["officer", "marketing"], "actor": "staff:2"},
        {"role": "engineer", "actor": "ops:1", "maintenance": True, "reason": "import"},
    ):
        arguments: dict[str, Any] = who
        with privacy.access(**arguments), Session(engine) as session:
            ASKS[what](privacy, session)


def test_people_may_themselves(privacy: Privacy, engine: Engine) -> None:
    with privacy.access("account", role="customer", subject=1), Session(engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        assert privacy.consents.state(session, 1, "campaigns").agreed


def test_a_role_that_was_not_granted_is_none(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        with privacy.access(role="clerk", actor="staff:7"), pytest.raises(NotGranted):
            privacy.consents.history(session, 1)
        session.rollback()
        with privacy.access(role="chief", actor="staff:1"):
            privacy.staff.grant(session, "staff:7", "clerk", reason="new at the desk")
            session.commit()
        with privacy.access(role="clerk", actor="staff:7"):
            assert privacy.consents.history(session, 1) == []
