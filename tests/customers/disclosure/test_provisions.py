"""The records say what the law asks of them, to those who may ask, and nobody changes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_privacy import AccessDenied, AccessLog, DisclosureRefused, Giver, NoAccess, PolicyError, Privacy, UnknownPerson
from sa_privacy.customers.disclosure.tables import PROVIDED, PROVISIONS, RECEIPTS, RECEIVED
from sa_privacy.policy.periods import Period
from tests.customers import giving
from tests.customers.disclosure.acting import PAPERS, TOMORROW, Agreed, as_officer, as_warehouse
from tests.customers.giving import ANN, BO, CY, customers
from tests.support.databases import Database

NOW = datetime.now(UTC)


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def shop(database: Database, log: AccessLog) -> Iterator[tuple[Privacy, Engine]]:
    with giving.shop(database, log=log, consents=Agreed(ANN, BO)) as made:
        yield made


@pytest.fixture
def privacy(shop: tuple[Privacy, Engine]) -> Privacy:
    return shop[0]


@pytest.fixture
def session(shop: tuple[Privacy, Engine]) -> Iterator[Session]:
    """Parcels for Ann and Bo, adverts for Ann, and a question of the police about Bo."""
    privacy, engine = shop
    with Session(engine) as opened:
        with as_warehouse(privacy):
            privacy.disclose(opened, to="delivery", subjects=customers(ANN, BO), categories=["name", "phone"])
        with as_officer(privacy):
            privacy.disclose(opened, to="cloud", subjects=customers(ANN), categories="email")
            privacy.disclose(
                opened, to="police", subjects=customers(BO), categories="name", ground="inquiry", evidence=PAPERS
            )
        opened.commit()
        yield opened


def test_a_person_s_own_records_say_what_of_theirs_was_given(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        delivery, cloud = privacy.provisions.of(session, ("customer", ANN))
        _, police = privacy.provisions.of(session, ("customer", BO))
        assert privacy.provisions.of(session, ("customer", CY)) == ()
    assert (delivery.recipient, delivery.is_entrustment, delivery.people) == ("delivery", True, 2)
    assert (delivery.categories, delivery.purposes) == (("name", "phone"), ("shipping",))
    assert (delivery.recipient_name["ja"], delivery.address, delivery.representative) == (
        "速達",
        "1 Depot Road",
        "P. Fast",
    )
    assert (cloud.country, cloud.contract, cloud.is_entrustment, cloud.ground) == ("US", "D-3", False, None)
    assert (police.ground, police.clause, police.article, police.evidence) == ("inquiry", "4-1", "27-1-4", PAPERS)
    assert police.actor == "staff:1"
    assert abs(police.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert "R8-1123" not in repr(police)


def test_they_are_kept_three_years_or_one_where_a_contract_stands_in(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        evidence = {"why_no_consent": "unconscious", "approver": "staff:2", "until": TOMORROW}
        privacy.disclose(
            session, to="cloud", subjects=customers(BO), categories="name", ground="danger", evidence=evidence
        )
        delivery, cloud, police, in_danger = privacy.provisions.list(session)
    assert delivery.keep_until == Period(years=3).after(delivery.at)  # an entrustment; its contract is no record
    assert cloud.keep_until == Period(years=1).after(cloud.at)
    assert police.keep_until == Period(years=3).after(police.at)
    assert in_danger.keep_until == Period(years=3).after(
        in_danger.at
    )  # a contract with the person says nothing of that


def test_officers_find_them_by_recipient_and_time(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        every = privacy.provisions.list(session)
        assert [one.recipient for one in every] == ["delivery", "cloud", "police"]
        assert privacy.provisions.list(session, recipient="cloud") == every[1:2]
        assert privacy.provisions.list(session, since=every[2].at) == every[2:]
        assert privacy.provisions.list(session, recipient="printer") == ()


@pytest.mark.parametrize("ask", ["list", "export"])
@pytest.mark.parametrize(
    "said", [{"since": "2026-01-01"}, {"since": NOW.replace(tzinfo=None)}, {"recipient": 7}, {"recipient": ["police"]}]
)
def test_what_cannot_be_meant_is_refused(privacy: Privacy, session: Session, ask: str, said: dict[str, Any]) -> None:
    with as_officer(privacy), pytest.raises(PolicyError):
        getattr(privacy.provisions, ask)(session, **said)


@pytest.mark.parametrize("name", ["nobody", "po\0lice", "po\ud800lice"])
def test_nothing_was_given_to_whom_nobody_knows(privacy: Privacy, session: Session, name: str) -> None:
    with as_officer(privacy):
        assert privacy.provisions.list(session, recipient=name) == ()


def test_those_past_their_time_are_told(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        assert privacy.provisions.due(session) == ()
        privacy._desk.clock = lambda: datetime.now(UTC) + timedelta(days=367)
        assert [one.recipient for one in privacy.provisions.due(session)] == ["cloud"]
        privacy._desk.clock = lambda: datetime.now(UTC) + timedelta(days=3 * 367)
        assert [one.recipient for one in privacy.provisions.due(session)] == ["delivery", "cloud", "police"]


def test_an_authority_is_shown_them_as_a_table(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy):
        lines = list(csv.DictReader(io.StringIO(privacy.provisions.export(session).decode())))
        some = list(csv.DictReader(io.StringIO(privacy.provisions.export(session, recipient="police").decode())))
    assert [(one["recipient"], one["subject_key"], one["categories"]) for one in lines] == [
        ("delivery", "1", "name phone"),
        ("delivery", "2", "name"),
        ("cloud", "1", "email"),
        ("police", "2", "name"),
    ]
    assert lines[0]["recipient_name"] == "Fast Parcels"
    assert [one["entrustment"] for one in lines] == ["true", "true", "false", "false"]
    assert some == lines[3:]
    assert '"issuing_body": "Central police station"' in lines[3]["evidence"]


ASKING: dict[str, Any] = {
    "of": lambda privacy, session: privacy.provisions.of(session, ("customer", ANN)),
    "received_of": lambda privacy, session: privacy.provisions.received_of(session, ("customer", ANN)),
    "list": lambda privacy, session: privacy.provisions.list(session),
    "due": lambda privacy, session: privacy.provisions.due(session),
    "export": lambda privacy, session: privacy.provisions.export(session),
}


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("question", ASKING)
def test_who_gives_nothing_may_not_ask(privacy: Privacy, session: Session, question: str) -> None:
    with (
        privacy.access("everything", actor="staff:3", role="clerk"),
        pytest.raises(DisclosureRefused, match="for those who may give it") as refused,
    ):
        ASKING[question](privacy, session)
    assert "officer, warehouse may ask" in (refused.value.hint or "")
    with pytest.raises(NoAccess):
        ASKING[question](privacy, session)


def test_maintenance_may_ask(privacy: Privacy, session: Session) -> None:
    with privacy.access(maintenance=True, actor="staff:3", role="engineer", reason="audit"):
        assert len(privacy.provisions.list(session)) == 3


def test_people_may_ask_about_themselves_and_nobody_else(privacy: Privacy, session: Session) -> None:
    with privacy.access("account", role="customer", subject=("customer", ANN)):
        assert len(privacy.provisions.of(session, ("customer", ANN))) == 2
        told = set()
        for somebody in (BO, 4711):
            with pytest.raises(DisclosureRefused) as refused:
                privacy.provisions.of(session, ("customer", somebody))
            told.add(str(refused.value))
        assert len(told) == 1, "nor whether there is somebody"


def test_who_only_names_a_subject_is_not_the_person(privacy: Privacy, session: Session) -> None:
    """A clerk reaches everybody's data: naming one of them makes the clerk nobody."""
    with privacy.access("everything", actor="staff:9", role="clerk", subject=("customer", ANN)):
        for somebody in (ANN, 4711):
            with pytest.raises(DisclosureRefused, match="for those who may give"):
                privacy.provisions.of(session, ("customer", somebody))


def test_somebody_who_is_not_there_has_none(privacy: Privacy, session: Session) -> None:
    with as_officer(privacy), pytest.raises(UnknownPerson):
        privacy.provisions.of(session, ("customer", 4711))


@pytest.mark.parametrize("table", [PROVISIONS, PROVIDED, RECEIPTS, RECEIVED], ids=lambda table: table.name)
@pytest.mark.parametrize("change", ["update", "delete"])
def test_nobody_changes_a_record(
    privacy: Privacy, session: Session, database: Database, table: Any, change: str
) -> None:
    with as_officer(privacy):
        privacy.received(
            session, from_=Giver("X"), subjects=customers(ANN), categories="email", how_obtained="from a fair"
        )
        session.commit()
    statement: Any = update(table).values({table.c[0].name: "x"}) if change == "update" else delete(table)
    with database.engine().connect() as past_the_gate, pytest.raises(DBAPIError, match="append-only"):
        past_the_gate.execute(statement)


def test_what_is_written_of_staff_and_evidence_is_sealed(
    privacy: Privacy, session: Session, database: Database
) -> None:
    with database.engine().connect() as plain:
        rows = plain.exec_driver_sql("SELECT actor, evidence FROM sa_privacy_provisions").all()
    assert len(rows) == 3
    assert not any(secret in bytes(cell or b"") for row in rows for cell in row for secret in (b"staff:1", b"R8-1123"))


FORGED = {
    "id": "0" * 36,
    "recipient": "x",
    "kind": "processor",
    "recipient_name": "{}",
    "categories": "name",
    "people": 1,
}


@pytest.mark.parametrize(
    "statement",
    [
        select(PROVISIONS.c.recipient),
        select(PROVIDED.c.subject_key),
        text("SELECT * FROM sa_privacy_provided"),
        PROVISIONS.insert().values(**FORGED, at=NOW, actor="x", purposes="", format="csv", policy="", keep_until=NOW),
        delete(PROVIDED),
    ],
    ids=["heads", "people", "by text", "forged", "removed"],
)
def test_nobody_gets_at_them_but_by_asking(privacy: Privacy, session: Session, statement: Any) -> None:
    """Not even who may give data away: the gate knows no purpose that opens the library's tables."""
    with as_officer(privacy), pytest.raises(AccessDenied):
        session.execute(statement)
