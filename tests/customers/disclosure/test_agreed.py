"""Third parties are given the data of people who agreed, or of others on a ground of the policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import (
    AccessLog,
    DisclosureRefused,
    Privacy,
)
from tests.customers import giving
from tests.customers.disclosure.acting import (
    EVERYBODY,
    PAPERS,
    TOMORROW,
    Agreed,
    as_officer,
    as_warehouse,
    records,
)
from tests.customers.giving import ANN, BO, customers


@pytest.mark.parametrize("to", ["advertiser", "cloud"])
def test_third_parties_are_given_only_those_who_agreed(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], agreed: Agreed, to: str
) -> None:
    with as_officer(privacy):
        given = privacy.disclose(session, to=to, subjects=EVERYBODY, categories=["name", "email"])
        session.commit()
    assert (given.given, given.left_out) == (2, {"no_consent": 1})
    assert b"bo@example.org" not in given.data
    assert b"=1+1" not in given.data
    assert agreed.asked == [(to, "customer")]
    assert [person.number for person in records(*shop)[1]] == [1, 3]  # their places in what was asked for


def test_the_data_of_those_who_did_not_agree_is_not_even_read(
    privacy: Privacy, session: Session, log: AccessLog
) -> None:
    with as_officer(privacy):
        privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories=["name"])
    bo = giving.KEYS.pseudonym_key().of("customer", BO)
    reading = [one for one in log.events() if "customers.name" in one.reads]
    assert reading
    assert not any(bo in (one.subjects or ()) for one in reading)


def test_where_nobody_agreed_nothing_is_given(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], agreed: Agreed
) -> None:
    agreed.keys.clear()
    with as_officer(privacy):
        given = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories=["name"])
    assert (given.given, given.left_out, json.loads(given.data)["people"]) == (0, {"no_consent": 3}, [])
    assert records(*shop) == ([], [])


def test_a_processor_and_an_authority_need_no_consent(privacy: Privacy, session: Session, agreed: Agreed) -> None:
    agreed.keys.clear()
    with as_warehouse(privacy):
        assert privacy.disclose(session, to="delivery", subjects=EVERYBODY, categories="name").given == 3
    with as_officer(privacy):
        given = privacy.disclose(
            session, to="court", subjects=EVERYBODY, categories="name", ground="inquiry", evidence=PAPERS
        )
    assert given.given == 3
    assert agreed.asked == []


def test_a_third_party_is_given_without_consent_on_a_ground_that_holds_for_it(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], agreed: Agreed
) -> None:
    agreed.keys.clear()
    evidence = {"why_no_consent": "unconscious", "approver": "staff:2", "until": TOMORROW}
    with as_officer(privacy):
        given = privacy.disclose(
            session, to="advertiser", subjects=customers(BO), categories="name", ground="danger", evidence=evidence
        )
        session.commit()
    assert given.given == 1
    [head], _ = records(*shop)
    assert (head.ground, head.clause, head.article) == ("danger", "4-3", "27-1-2")
    assert json.loads(head.evidence)["why_no_consent"] == "unconscious"


def test_our_own_rights_are_no_ground_by_themselves(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    evidence = {"why_no_consent": "they do not answer", "approver": "staff:2", "until": TOMORROW}
    asked: dict[str, Any] = {"to": "police", "subjects": customers(ANN), "categories": "name", "ground": "rights"}
    with as_officer(privacy):
        with pytest.raises(DisclosureRefused, match="article is missing"):
            privacy.disclose(session, **asked, evidence=evidence)
        privacy.disclose(session, **asked, evidence={**evidence, "article": "27-1-4"})
        session.commit()
    [head], _ = records(*shop)
    assert (head.clause, head.article) == ("4-4", "27-1-4")
