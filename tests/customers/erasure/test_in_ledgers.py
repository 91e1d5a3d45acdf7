"""What the library's own ledgers say of a person goes with them, or stays under nobody's name for as long as a law says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Text, cast, select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, ErasureRefused, Policy, Privacy, RequestRefused
from sa_privacy.accesslog.questions import Journal, who
from sa_privacy.crypto import SigningKey
from sa_privacy.customers.erasure import read_certificate
from sa_privacy.customers.erasure.ledgers import TRACES
from sa_privacy.ledger import OWN_TABLES
from tests.customers import giving
from tests.customers.giving import ANN, BO
from tests.support.databases import Database

SECTIONS: dict[str, Any] = copy.deepcopy(giving.SECTIONS)
SECTIONS["erasure"] = {"roles": ["officer"]}
SECTIONS["requests"] = {"answer_within": "P14D", "roles": ["officer"]}
SECTIONS["purposes"]["campaigns"] |= {"consent": "opt_in", "wording": "partners"}
POLICY = Policy(**SECTIONS)
REQUIRED = {"document_number": "4711 about Ann", "issuing_body": "Police"}


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def made(database: Database, log: AccessLog) -> Iterator[tuple[Privacy, Engine]]:
    with giving.shop(database, POLICY, log=log) as (privacy, engine):
        with officer(privacy), Session(engine) as session:
            for person in (ANN, BO):
                whom = ("customer", person)
                for what in ("campaigns", "advertiser"):
                    privacy.consents.give(session, whom, what, how="web", language="en")
                privacy.disclose(session, to="advertiser", subjects=whom, categories=["email"])
                session.commit()
            privacy.received(
                session, from_="advertiser", subjects=[("customer", ANN)], categories=["email"], how_obtained="a fair"
            )
            old = request(privacy, session, "cease_use", ANN)
            privacy.requests.refuse(session, old, article="35-6", reason="Ann knows")
            session.commit()
        yield privacy, engine


def officer(privacy: Privacy) -> Any:
    return privacy.access(["everything", "campaigns"], actor="officer:1", role="officer", reason="asked for")


def request(privacy: Privacy, session: Session, kind: Any, person: int) -> str:
    """A request that is in work."""
    reference = privacy.requests.receive(session, kind, claimed="Ann Arbor", about="what Ann wants").reference
    privacy.requests.identify(session, reference, ("customer", person), method="letter", evidence="Ann's hand")
    privacy.requests.begin(session, reference)
    return reference


def erase(privacy: Privacy, engine: Engine, person: int = ANN, **more: Any) -> Any:
    """Plans and runs."""
    with officer(privacy):
        with Session(engine) as session:
            plan = privacy.erasure.plan(session, ("customer", person))
        return plan, privacy.erasure.run(engine, plan, **more)


def ledgers(privacy: Privacy, engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """All rows of the library's own tables."""
    with (
        privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"),
        engine.connect() as connection,
    ):
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in OWN_TABLES.sorted_tables
        }


def test_what_was_said_ends_and_records_stay_without_the_person(made: tuple[Privacy, Engine]) -> None:
    privacy, engine = made
    before = ledgers(privacy, engine)
    plan, _ = erase(privacy, engine)
    after = ledgers(privacy, engine)
    assert {(one.table, one.rows, one.law) for one in plan.kept} == {
        ("sa_privacy_provided", 1, "APPI 29"),
        ("sa_privacy_consents", 1, "APPI 29"),
        ("sa_privacy_received", 1, "APPI 30"),
    }
    assert all(one.until is not None and one.until > datetime.now(UTC) + timedelta(days=1000) for one in plan.kept)
    bo = {
        name: [row for row in rows if "2" in (row.get("subject"), row.get("subject_key"))]
        for name, rows in before.items()
    }
    for name, rows in bo.items():
        assert [row for row in after[name] if row in rows] == rows, "nothing of Bo's was touched"
    assert [row["subject"] for row in after["sa_privacy_consent_state"]] == ["2", "2"]
    assert len(after["sa_privacy_consents"]) == 3
    assert after["sa_privacy_requests"] == after["sa_privacy_request_steps"] == []
    names = {row["subject_key"] for name in ("sa_privacy_provided", "sa_privacy_received") for row in after[name]} - {
        "2"
    }
    assert len(names) == 1, "what stays of one person belongs together"
    assert names < {row["subject"] for row in after["sa_privacy_consents"]}
    assert next(iter(names)).startswith("erased:")
    assert after["sa_privacy_passes"] == []


def test_every_own_table_that_names_people_is_known() -> None:
    named = {trace.table.name for trace in TRACES}
    assert named == {
        table.name
        for table in OWN_TABLES.sorted_tables
        if {"subject", "subject_key"} & set(table.columns.keys()) and table.name not in OTHERS
    }


OTHERS = {"sa_privacy_holds", "sa_privacy_held", "sa_privacy_subject_keys"}


def test_a_request_that_was_handed_on_is_carried_out_and_then_answered(made: tuple[Privacy, Engine]) -> None:
    privacy, engine = made
    with officer(privacy), Session(engine) as session:
        reference = request(privacy, session, "erasure", ANN)
        session.commit()
        plan = privacy.erasure.plan(session, ("customer", ANN))
        session.rollback()
        with pytest.raises(ErasureRefused, match="no request"):
            privacy.erasure.run(engine, plan, request=reference)
        privacy.requests.hand_on(session, reference)
        session.commit()
        with pytest.raises(RequestRefused, match="nothing is erased yet"):
            privacy.requests.answer(session, reference)
        session.rollback()
    plan, certificate = erase(privacy, engine, request=reference)
    assert certificate.request == reference
    assert ("sa_privacy_requests", "request") in {(one.table, one.reason) for one in plan.kept}
    with officer(privacy), Session(engine) as session:
        answered = privacy.requests.answer(session, reference).request
        session.commit()
    assert (answered.state, answered.claimed, answered.about) == ("answered", None, None)
    said = ledgers(privacy, engine)
    words = repr([said["sa_privacy_requests"], said["sa_privacy_request_steps"]])
    assert "Ann" not in words
    assert {row["checked"] for row in said["sa_privacy_request_steps"]} == {None}


def test_who_asked_twice_is_erased_once_and_answered_twice(made: tuple[Privacy, Engine]) -> None:
    privacy, engine = made
    with officer(privacy), Session(engine) as session:
        first, second = (request(privacy, session, "erasure", ANN) for _ in range(2))
        for reference in (first, second):
            privacy.requests.hand_on(session, reference)
        session.commit()
        with pytest.raises(RequestRefused, match="nothing is erased yet"):
            privacy.requests.answer(session, second)
    erase(privacy, engine, request=first)
    with officer(privacy), Session(engine) as session:
        found = [privacy.requests.answer(session, reference).request.state for reference in (first, second)]
        session.commit()
    assert found == ["answered", "answered"]


def test_who_waits_to_see_their_data_sees_it_before_it_goes(made: tuple[Privacy, Engine]) -> None:
    privacy, engine = made
    with officer(privacy), Session(engine) as session:
        reference = request(privacy, session, "disclosure", ANN)
        session.commit()
        (held,) = privacy.erasure.plan(session, ("customer", ANN)).held
        assert (held.by, held.what) == ("request", reference)
    with pytest.raises(ErasureRefused, match="when it is answered"):
        erase(privacy, engine)


def test_a_new_person_under_the_same_key_inherits_nothing(made: tuple[Privacy, Engine], log: AccessLog) -> None:
    privacy, engine = made
    name = giving.KEYS.pseudonym_key().of("customer", ANN)
    assert who(Journal(log.path), name).uses
    erase(privacy, engine)
    told = who(Journal(log.path), name)
    assert told.erased is not None
    assert (told.uses, told.unbounded) == ((), ())
    with privacy.access("everything", actor="clerk:2", role="clerk"), Session(engine) as session:
        session.add(giving.Customer(id=ANN, name="Another", email="another@example.org"))
        session.commit()
    (use,) = who(Journal(log.path), name).uses
    assert use.actor == "clerk:2"
    kinds = [event.decision for event in log.events() if event.kind == "erased"]
    assert kinds == [None, "allowed"]


def test_an_erasure_that_fails_leaves_the_person_their_past(
    made: tuple[Privacy, Engine], log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    privacy, engine = made
    name = giving.KEYS.pseudonym_key().of("customer", ANN)
    before = ledgers(privacy, engine)
    monkeypatch.setattr("sa_privacy.customers.erasure.erasures.carry_out", lambda *_: {})
    with pytest.raises(ErasureRefused, match="something would be left at"):
        erase(privacy, engine)
    assert ledgers(privacy, engine) == before
    told = who(Journal(log.path), name)
    assert told.erased is None
    assert told.uses


def test_the_certificate_is_signed_and_names_nobody(made: tuple[Privacy, Engine]) -> None:
    privacy, engine = made
    key, other = SigningKey.generate(), SigningKey.generate()
    plan, certificate = erase(privacy, engine, signing_key=key)
    text = certificate.json()
    assert not [word for word in ("Ann", "ann@", "High Street", '"1"', ": 1990") if word in text]
    read = read_certificate(text)
    assert read == certificate
    assert read.plan == plan.hash
    assert read.verify(other.public, key.public)
    assert not read.verify(other.public)
    for was, now in (('"delete": 1', '"delete": 2'), (read.record, read.record[::-1])):
        assert was in text
        assert not read_certificate(text.replace(was, now, 1)).verify(key.public)
    with pytest.raises(ErasureRefused, match="no certificate"):
        read_certificate('{"format": "sa-privacy-erasure-certificate"}')
    with officer(privacy), Session(engine) as session:
        again = privacy.erasure.certificate(session, certificate.record)
    assert again.signed(key).message() == certificate.message()


def test_the_log_comes_first(made: tuple[Privacy, Engine], log: AccessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    privacy, engine = made
    steps: list[int] = []

    def carried(*_: Any) -> None:
        steps.extend(event.seq for event in log.events() if event.kind == "erased")
        raise KeyboardInterrupt

    monkeypatch.setattr("sa_privacy.customers.erasure.erasures.carry_out", carried)
    with pytest.raises(KeyboardInterrupt):
        erase(privacy, engine)
    assert len(steps) == 1


def test_nothing_leads_from_the_text_of_cells_either(made: tuple[Privacy, Engine], database: Database) -> None:
    """As the database holds them, the keys of the person among them."""
    privacy, engine = made
    erase(privacy, engine)
    with database.engine().connect() as plain:
        for trace in TRACES:
            subjects = plain.scalars(select(cast(trace.subject, Text)))
            assert str(ANN) not in set(subjects)
