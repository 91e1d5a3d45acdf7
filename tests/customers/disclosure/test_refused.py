"""What the policy does not say is refused before anything is read, logged, and told with the way out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from sa_privacy import (
    AccessLog,
    DisclosureRefused,
    NoAccess,
    PolicyError,
    Privacy,
    UnknownPerson,
)
from tests.customers import giving
from tests.customers.disclosure.acting import (
    EVERYBODY,
    PAPERS,
    as_officer,
    as_warehouse,
    records,
)
from tests.customers.giving import ANN, customers
from tests.support.databases import Database

WAREHOUSE = {"purpose": "shipping", "role": "warehouse", "actor": "staff:1"}
OFFICER = {"purpose": "everything", "role": "officer", "actor": "staff:1"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    # who acts, what is asked besides customers(ANN) and "name", what is said, what is advised
    "nobody acts": ({**WAREHOUSE, "actor": None}, {"to": "delivery"}, "nobody is said to act", "actor="),
    "another role": (
        {"purpose": "everything", "role": "clerk", "actor": "staff:1"},
        {"to": "police", "ground": "inquiry", "evidence": PAPERS},
        'role clerk may not give data to "police"',
        "officer may",
    ),
    "no role": ({"actor": "staff:1"}, {"to": "delivery"}, "who stands in no role may not give", "warehouse may"),
    "a role that gives to others": (WAREHOUSE, {"to": "advertiser"}, "role warehouse may not give", "officer may"),
    "an unknown recipient": (WAREHOUSE, {"to": "delivary"}, "no such recipient", 'did you mean "delivery"'),
    "no recipient": (WAREHOUSE, {"to": None}, "no such recipient", "it knows"),
    "the person": (OFFICER, {"to": "the person"}, "on a request of theirs", "privacy.requests"),
    "an unknown category": (
        WAREHOUSE,
        {"to": "delivery", "categories": ["name", "adress"]},
        "no such category",
        'did you mean "address"',
    ),
    "no category": (WAREHOUSE, {"to": "delivery", "categories": []}, "no categories", "categories="),
    "a category too many": (
        WAREHOUSE,
        {"to": "delivery", "categories": ["name", "birthday"]},
        "may not be given birthday",
        "address, email, name, phone",
    ),
    "a category that the purpose does not cover": (
        WAREHOUSE,
        {"to": "delivery", "categories": ["name", "email"]},
        "does not cover email",
        "address, name, phone",
    ),
    "a processor that works for something else": (
        WAREHOUSE,
        {"to": "printer"},
        "does not work for what is declared: shipping",
        "it works for: campaigns",
    ),
    "a processor, and a purpose besides": (
        {**WAREHOUSE, "purpose": ["shipping", "everything"], "role": ["warehouse", "clerk"]},
        {"to": "delivery"},
        "does not work for what is declared: everything",
        "it works for: shipping",
    ),
    "a processor, for no purpose": (
        {**WAREHOUSE, "purpose": []},
        {"to": "delivery"},
        "does not work for what is declared: no purpose",
        "it works for: shipping",
    ),
    "a processor nobody looked at": (
        WAREHOUSE,
        {"to": "old_delivery"},
        "was to be looked at again by 2020-01-01",
        "set review_by",
    ),
    "a processor on a ground": (
        WAREHOUSE,
        {"to": "delivery", "ground": "danger", "evidence": {}},
        "does not hold for",
        "it holds for",
    ),
    "an authority without a ground": (
        OFFICER,
        {"to": "police"},
        "on a ground",
        "grounds for authorities: danger, inquiry",
    ),
    "an unknown ground": (OFFICER, {"to": "police", "ground": "enquiry"}, "no such ground", 'did you mean "inquiry"'),
    "a ground for others": (
        OFFICER,
        {"to": "advertiser", "ground": "inquiry", "evidence": PAPERS},
        "does not hold for",
        "it holds for: authority",
    ),
    "evidence for nothing": (OFFICER, {"to": "advertiser", "evidence": PAPERS}, "no ground", "ground="),
    "a ground without evidence": (
        OFFICER,
        {"to": "police", "ground": "inquiry"},
        "document_number is missing; issuing_body is missing",
        "document_number, issuing_body",
    ),
    "a format nobody writes": (WAREHOUSE, {"to": "delivery", "format": "xls"}, "no such format", "json, csv"),
}


@pytest.mark.backends("sqlite")  # nothing is asked of a database
@pytest.mark.parametrize("case", REFUSED)
def test_what_the_policy_does_not_say_is_refused_and_logged(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine], log: AccessLog, case: str
) -> None:
    who, asked, why, hint = REFUSED[case]
    with privacy.access(**who), pytest.raises(DisclosureRefused) as refused:
        privacy.disclose(session, **{"subjects": customers(ANN), "categories": "name", **asked})
    assert why in refused.value.message
    assert hint in (refused.value.hint or "")
    [written] = [one for one in log.events() if one.decision == "denied"]
    assert written.denials == ["disclose SP-602"]
    assert written.actor == who["actor"]
    known = asked["to"] if asked["to"] in giving.POLICY.recipients else None
    assert written.recipient == known
    assert written.subjects == [giving.KEYS.pseudonym_key().of("customer", ANN)]
    assert not [one for one in log.events() if one.kind == "outcome"]  # nothing was read
    session.rollback()
    assert records(*shop) == ([], [])


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("to", ["ann@example.org", "delivary ann@example.org"])
def test_what_was_said_wrongly_is_not_repeated(privacy: Privacy, session: Session, log: AccessLog, to: str) -> None:
    with as_warehouse(privacy), pytest.raises(DisclosureRefused) as refused:
        privacy.disclose(session, to=to, subjects=customers(ANN), categories="name")
    assert "ann@" not in f"{refused.value}{refused.value!r}"
    assert not any("ann@" in str(one) for one in log.events())


def test_without_an_access_there_is_no_disclosure(privacy: Privacy, session: Session) -> None:
    with pytest.raises(NoAccess):
        privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")


def test_somebody_who_is_not_there_ends_it_and_is_not_named(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy), pytest.raises(UnknownPerson) as refused:
        privacy.disclose(session, to="delivery", subjects=customers(ANN, 4711), categories="name")
    assert "4711" not in str(refused.value)
    session.commit()
    assert records(*shop) == ([], [])


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("subjects", [[1], 1, [("dog", 1)], None, [("customer", True)]])
def test_people_who_are_not_said_clearly_are_refused(privacy: Privacy, session: Session, subjects: object) -> None:
    with as_warehouse(privacy), pytest.raises((PolicyError, DisclosureRefused)):
        privacy.disclose(session, to="delivery", subjects=subjects, categories="name")


@pytest.mark.parametrize(
    "said", [{"categories": None}, {"categories": [[]]}, {"ground": []}, {"ground": {}}, {"format": []}], ids=str
)
def test_what_cannot_be_meant_is_refused(privacy: Privacy, session: Session, said: dict[str, Any]) -> None:
    with as_warehouse(privacy), pytest.raises(DisclosureRefused):
        privacy.disclose(session, **{"to": "delivery", "subjects": customers(ANN), "categories": "name", **said})


def test_a_connection_cannot_tell_when_it_was_committed(privacy: Privacy, shop: tuple[Privacy, Engine]) -> None:
    with as_warehouse(privacy), shop[1].connect() as connection, pytest.raises(PolicyError, match="committed"):
        privacy.disclose(connection, to="delivery", subjects=customers(ANN), categories="name")  # type: ignore[arg-type]


def test_autocommit_is_no_transaction(privacy: Privacy, shop: tuple[Privacy, Engine]) -> None:
    engine = shop[1].execution_options(isolation_level="AUTOCOMMIT")
    with as_warehouse(privacy), Session(engine) as session, pytest.raises(PolicyError, match="autocommit"):
        privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")


@pytest.mark.backends("postgresql")
def test_nor_is_the_autocommit_of_the_driver(privacy: Privacy, database: Database) -> None:
    engine = database.engine(isolation_level="AUTOCOMMIT")
    privacy.install(engine)
    with as_warehouse(privacy), Session(engine) as session, pytest.raises(PolicyError, match="autocommit"):
        privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")


def test_nobody_is_given_where_nobody_is_asked_for(
    privacy: Privacy, session: Session, shop: tuple[Privacy, Engine]
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=[], categories="name")
    assert (given.given, given.records, given.left_out) == (0, (), {})
    assert records(*shop) == ([], [])


def test_where_nobody_ever_agreed_third_parties_get_nothing(database: Database, log: AccessLog) -> None:
    with giving.shop(database, log=log) as (privacy, engine), as_officer(privacy), Session(engine) as session:
        given = privacy.disclose(session, to="advertiser", subjects=EVERYBODY, categories="name")
    assert (given.given, given.left_out) == (0, {"no_consent": 3})
