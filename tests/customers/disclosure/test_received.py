"""Data from others is written down with where it came from (APPI 30)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, ClockWentBack, DisclosureRefused, Giver, Policy, PolicyError, Privacy
from sa_privacy.policy.periods import Period
from tests.customers import giving
from tests.customers.disclosure.acting import as_officer, as_warehouse
from tests.customers.giving import ANN, BO, CY, customers
from tests.support.databases import Database


def test_data_that_was_received_is_written_down_with_where_it_came_from(
    privacy: Privacy, session: Session, log: AccessLog
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    giver = Giver("Fair Ltd", "3 Market Square", "F. Air")
    with as_officer(privacy):
        record = privacy.received(
            session,
            from_=giver,
            subjects=customers(ANN, BO),
            categories=["email", "name"],
            how_obtained=" visitors left their cards ",
            at=yesterday,
        )
        session.commit()
        [receipt] = privacy.provisions.received_of(session, ("customer", BO))
        assert privacy.provisions.received_of(session, ("customer", CY)) == ()
    assert (receipt.id, receipt.at, receipt.people) == (record, yesterday, 2)
    assert (receipt.giver, receipt.address, receipt.representative) == ("Fair Ltd", "3 Market Square", "F. Air")
    assert (receipt.how_obtained, receipt.categories) == ("visitors left their cards", ("email", "name"))
    assert receipt.keep_until == Period(years=3).after(yesterday)
    assert receipt.entered_at > yesterday
    assert "Fair" not in f"{receipt!r}{giver!r}"
    pseudonym = giving.KEYS.pseudonym_key().of("customer", BO)
    [written] = [
        one for one in log.events() if one.kind == "intent" and "sa_privacy_received.subject_key" in one.writes
    ]
    assert pseudonym in (written.subjects or ())


def test_a_recipient_of_the_policy_may_be_the_giver(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        privacy.received(session, from_="advertiser", subjects=customers(ANN), categories="name", how_obtained="a quiz")
        [receipt] = privacy.provisions.received_of(session, ("customer", ANN))
    assert (receipt.giver, receipt.address) == ("Adverts & Co", "2 Hill Street")


def test_a_clock_that_was_set_back_writes_no_receipt(privacy: Privacy, session: Session) -> None:
    said: dict[str, Any] = {"subjects": customers(ANN), "categories": "name", "how_obtained": "a quiz"}
    with as_officer(privacy):
        privacy.received(session, from_="advertiser", **said)
        now = datetime.now(UTC)
        privacy._desk.clock = lambda: now - timedelta(hours=1)
        with pytest.raises(ClockWentBack):
            privacy.received(session, from_="advertiser", **said)
        assert len(privacy.provisions.received_of(session, ("customer", ANN))) == 1


def test_a_record_that_is_kept_for_ever_is_kept(database: Database, log: AccessLog) -> None:
    """A period may lead out of the calendar; the data is given all the same."""
    policy = Policy(**{**giving.SECTIONS, "records": {"keep": "P9000Y"}})
    with giving.shop(database, policy=policy, log=log) as (privacy, engine), Session(engine) as session:
        with as_warehouse(privacy):
            privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")
        with as_officer(privacy):
            said: dict[str, Any] = {"subjects": customers(ANN), "categories": "name", "how_obtained": "a quiz"}
            privacy.received(session, from_="advertiser", **said)
            session.commit()
            [given] = privacy.provisions.of(session, ("customer", ANN))
            [received] = privacy.provisions.received_of(session, ("customer", ANN))
            assert given.keep_until.year == received.keep_until.year == 9999
            assert privacy.provisions.due(session) == ()


NOT_RECEIVED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "nobody acts": ({"actor": None}, {}, "nobody is said to act"),
    "an unknown giver": ({}, {"from_": "somebody"}, "nobody of that name"),
    "a giver of no kind": ({}, {"from_": []}, "nobody of that name"),
    "no categories": ({}, {"categories": []}, "no categories"),
    "none at all": ({}, {"categories": None}, "those are no categories"),
    "what is no name of one": ({}, {"categories": [[]]}, "those are no categories"),
    "unknown categories": ({}, {"categories": ["name", "shoe_size"]}, "no such category"),
    "categories that one may not write": (
        {"purpose": "campaigns"},
        {"categories": ["birthday"]},
        "does not write birthday",
    ),
    "no way": ({}, {"how_obtained": "  "}, "how the giver came by"),
    "no text": ({}, {"how_obtained": None}, "how the giver came by"),
    "the future": ({}, {"at": datetime.now(UTC) + timedelta(days=1)}, "in the future"),
    "a moment nowhere": ({}, {"at": datetime(2026, 1, 1)}, "its time zone"),  # noqa: DTZ001 - that is the case
    "no moment": ({}, {"at": "yesterday"}, "its time zone"),
    "nobody": ({}, {"subjects": []}, "nobody"),
}


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("case", NOT_RECEIVED)
def test_a_receipt_that_says_too_little_is_refused(privacy: Privacy, session: Session, case: str) -> None:
    who, said, why = NOT_RECEIVED[case]
    usual = {"from_": "advertiser", "subjects": customers(ANN), "categories": "name", "how_obtained": "a quiz"}
    with (
        privacy.access(**{"purpose": "everything", "actor": "staff:1", "role": "officer", **who}),
        pytest.raises((DisclosureRefused, PolicyError), match=why),
    ):
        privacy.received(session, **{**usual, **said})
    with as_officer(privacy):
        assert privacy.provisions.received_of(session, ("customer", ANN)) == ()


@pytest.mark.parametrize("what", ["name", "address", "representative"])
@pytest.mark.parametrize("said", ["", "  ", 5, b"x", []], ids=repr)
def test_who_gave_it_is_said_in_words(what: str, said: Any) -> None:
    with pytest.raises(PolicyError, match=f"the {what} of who gave"):
        Giver(**{"name": "Fair Ltd", what: said})


def test_nobody_gave_it_is_not_said() -> None:
    with pytest.raises(PolicyError, match="the name of who gave"):
        Giver(None)  # type: ignore[arg-type]
