"""The access log says whom data was given to."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from sa_privacy import (
    AccessLog,
    Privacy,
)
from sa_privacy.accesslog.questions import Journal, who
from sa_privacy.cli.app import app
from tests.customers import giving
from tests.customers.disclosure.acting import (
    as_warehouse,
)
from tests.customers.giving import ANN, BO, customers
from tests.support.command import CliRunner


def test_the_log_says_who_was_given_whose_data_and_under_which_record(
    privacy: Privacy, session: Session, log: AccessLog
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(ANN, BO), categories=["name", "address"])
        session.commit()
    pseudonyms = giving.KEYS.pseudonym_key()
    whose = {pseudonyms.of("customer", ANN), pseudonyms.of("customer", BO)}
    events = [one for one in log.events() if one.kind in {"intent", "outcome"} and one.recipient]
    assert {(one.recipient, one.provision) for one in events} == {("delivery", given.records[0])}
    assert all(set(one.subjects or ()) <= whose and not one.unbounded for one in events)
    read = {name for one in events for name in one.reads}
    assert read == {"customers.name", "customers.address", "parcels.address"}
    assert all(one.actor == "staff:1" and one.purpose == ["shipping"] for one in events)


def test_whoever_asks_who_used_a_person_s_data_is_told_whom_it_was_given_to(
    privacy: Privacy, session: Session, log: AccessLog, tmp_path: Path
) -> None:
    with as_warehouse(privacy):
        given = privacy.disclose(session, to="delivery", subjects=customers(ANN), categories="name")
        session.commit()
    ann = giving.KEYS.pseudonym_key().of("customer", ANN)
    reading = [use for use in who(Journal(log.path), ann).uses if "customers.name" in use.reads]
    assert [(use.recipient, use.provision) for use in reading] == [("delivery", given.records[0])]
    told = CliRunner().invoke(app, ["log", "who", ann, "--log", str(tmp_path / "log")], env={"COLUMNS": "240"})
    assert "recipient: delivery" in told.output


def test_an_access_cannot_pretend_to_give_to_somebody(privacy: Privacy, session: Session, log: AccessLog) -> None:
    with privacy.access("everything", actor="staff:1", role="clerk", recipient="delivery", provision="x"):
        session.scalars(select(giving.Customer)).all()
    assert not [one for one in log.events() if one.recipient or one.provision]
