"""Requests, consents and provisions together: what is ceased is ceased, and the file tells of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Policy, Privacy
from sa_privacy.errors import RequestRefused
from sa_privacy.policy.writing import as_sections
from tests.customers.requests import asking
from tests.customers.requests.asking import customer, officer
from tests.support.databases import Database

ANN = ("customer", 1)


@pytest.fixture
def privacy(database: Database, engine: Engine, tmp_path: Path) -> Iterator[Privacy]:
    asking.filled(database)
    with asking.protected(engine, AccessLog.open(tmp_path / "log")) as (made, clock):
        made._desk.clock = lambda: clock.now + (datetime.now(UTC) - START)  # consents are not given twice in a moment
        yield made


START = datetime.now(UTC)


def in_work(privacy: Privacy, session: Session, kind: str) -> str:
    with customer(privacy, 1):
        reference = privacy.requests.receive(session, kind).reference  # type: ignore[arg-type]
    with officer(privacy):
        privacy.requests.begin(session, reference)
    return reference


def test_ceasing_provision_takes_the_consent_back_and_the_file_tells_it(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        with customer(privacy, 1):
            privacy.consents.give(session, ANN, "advertiser", how="web")
        reference = in_work(privacy, session, "cease_provision")
        with officer(privacy):
            privacy.requests.cease(session, reference, "advertiser")
            privacy.requests.answer(session, reference)
            assert privacy.consents.state(session, ANN, "advertiser").said == "withdrawn"
        reference = in_work(privacy, session, "disclosure")
        with officer(privacy):
            file = privacy.requests.answer(session, reference).file
        session.commit()
    assert file is not None
    assert [(one["to"], one["said"], one["how"]) for one in file.content["consents"]] == [
        ("advertiser", "given", "web"),
        ("advertiser", "withdrawn", "web"),
    ]
    assert (file.content["provisions"], file.content["received"]) == ([], [])
    assert "withdrawn" in file.html("en")


def test_who_never_agreed_says_no(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        reference = in_work(privacy, session, "cease_provision")
        with officer(privacy):
            privacy.requests.cease(session, reference, "advertiser")
            assert privacy.consents.state(session, ANN, "advertiser").said == "refused"


def test_an_application_that_keeps_consents_itself_withdraws_there(privacy: Privacy, engine: Engine) -> None:
    privacy.requests._stop = None
    with Session(engine) as session:
        reference = in_work(privacy, session, "cease_provision")
        with officer(privacy), pytest.raises(RequestRefused, match="keeps consents itself"):
            privacy.requests.cease(session, reference, "advertiser")


def test_ceasing_use_leaves_the_person_out_of_the_next_statement(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    asking.filled(database)
    sections = as_sections(asking.POLICY)
    sections["purposes"]["campaigns"] = {"use": ["name", "email"], "consent": "opt_in"}
    sections["roles"]["marketing"] = {"purposes": ["campaigns"]}
    log = AccessLog.open(tmp_path / "log")
    with asking.protected(engine, log, Policy(**sections)) as (privacy, clock), Session(engine) as session:

        def reached() -> list[str]:
            with privacy.access("campaigns", role="marketing", actor="staff:3"):
                return list(session.scalars(select(asking.Customer.name).order_by(asking.Customer.id)))

        for key in (1, 2):
            with customer(privacy, key):
                privacy.consents.give(session, ("customer", key), "campaigns", how="web")
        assert reached() == ["Ann Arbor", "Bo Peep"]
        clock.pass_(hours=1)
        reference = in_work(privacy, session, "cease_use")
        with officer(privacy):
            with pytest.raises(RequestRefused, match="does not depend on consent"):
                privacy.requests.cease(session, reference, "shipping")
            privacy.requests.cease(session, reference, "campaigns")
        assert reached() == ["Bo Peep"]


def test_the_file_tells_whom_the_data_was_given_to(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        with privacy.access("shipping", role="warehouse", actor="staff:9"):
            given = privacy.disclose(session, to="carrier", subjects=[ANN], categories=["name"])
        session.commit()
        assert given.given == 1
        reference = in_work(privacy, session, "disclosure")
        with officer(privacy):
            file = privacy.requests.answer(session, reference).file
        session.commit()
    assert file is not None
    (told,) = file.content["provisions"]
    assert (told["to"], told["kind"], told["categories"]) == ("carrier", "processor", ["name"])
    assert "Example Carrier" in file.html("en")


def test_a_file_is_handed_over_once_its_answer_is_committed(privacy: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        reference = in_work(privacy, session, "disclosure")
        session.commit()
        with officer(privacy):
            assert "Ann Arbor" in privacy.requests.preview(session, reference).json()
            taken_back = privacy.requests.answer(session, reference).file
            session.rollback()
            file = privacy.requests.answer(session, reference).file
        assert file is not None
        assert taken_back is not None
        with pytest.raises(RequestRefused, match="rolled back"):
            taken_back.json()
        for have in (file.json, file.html):
            with pytest.raises(RequestRefused, match="not committed"):
                have()
        session.commit()
        assert "Ann Arbor" in file.json()
        assert "Ann" not in repr(file)


UNHEARD: dict[str, Callable[[Connection], object]] = {
    "a ROLLBACK in text": lambda connection: connection.execute(text("ROLLBACK")),
    "the driver's own": lambda connection: connection.connection.dbapi_connection.rollback(),  # type: ignore[union-attr]
    "to a savepoint in text": lambda connection: connection.exec_driver_sql("ROLLBACK TO SAVEPOINT mine"),
}


@pytest.mark.parametrize("how", UNHEARD)
def test_a_rollback_that_sqlalchemy_does_not_hear_of_takes_the_file(privacy: Privacy, engine: Engine, how: str) -> None:
    with Session(engine) as session:
        reference = in_work(privacy, session, "disclosure")
        session.commit()
        with officer(privacy):
            session.connection().exec_driver_sql("SAVEPOINT mine")
            file = privacy.requests.answer(session, reference).file
            UNHEARD[how](session.connection())
        session.commit()  # under no access
        assert file is not None
        with pytest.raises(RequestRefused, match="rolled back"):
            file.json()
        with officer(privacy):
            assert privacy.requests.show(session, reference).state == "in_work"


@pytest.mark.parametrize("how", UNHEARD)
def test_another_answer_in_its_place_does_not_give_the_one_that_was_rolled_back(
    privacy: Privacy, engine: Engine, how: str
) -> None:
    with Session(engine) as session:
        reference = in_work(privacy, session, "disclosure")
        session.commit()
        with officer(privacy):
            session.connection().exec_driver_sql("SAVEPOINT mine")
            file = privacy.requests.answer(session, reference).file
            UNHEARD[how](session.connection())
            privacy.requests.answer(session, reference, leave_out=["customers.name"], article="33-2-1", reason="r")
        session.commit()
        assert file is not None
        with pytest.raises(RequestRefused, match="rolled back"):
            file.json()


@pytest.mark.backends("postgresql")
def test_a_commit_that_postgresql_answers_with_a_rollback_gives_no_file(privacy: Privacy, engine: Engine) -> None:
    """After an error it does so, and nobody is told."""
    with Session(engine) as session:
        reference = in_work(privacy, session, "disclosure")
        session.commit()
        with officer(privacy):
            file = privacy.requests.answer(session, reference).file
            with pytest.raises(DBAPIError):
                session.execute(text("SELECT 1 / 0"))
            with pytest.raises(DBAPIError):
                session.commit()
            session.rollback()
        assert file is not None
        with pytest.raises(RequestRefused, match="rolled back"):
            file.json()
