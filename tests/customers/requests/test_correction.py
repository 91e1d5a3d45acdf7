"""Correcting a person's own data: through the gate, on record, without the values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from sa_privacy import AccessLog, Privacy
from sa_privacy.errors import RequestRefused
from tests.customers.requests import asking
from tests.customers.requests.asking import Customer, Item, Order, Profile, customer, maintenance, officer
from tests.support.databases import Database


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def privacy(database: Database, engine: Engine, log: AccessLog) -> Iterator[Privacy]:
    asking.filled(database)
    with asking.protected(engine, log) as (made, _):
        yield made


@pytest.fixture
def session(engine: Engine, privacy: Privacy) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


def asked(privacy: Privacy, session: Session, key: int = 1) -> str:
    with customer(privacy, key):
        reference = privacy.requests.receive(session, "correction", about="my name is spelled Anne").reference
    with officer(privacy):
        privacy.requests.begin(session, reference)
    return reference


def test_a_correction_changes_the_row_and_says_which_columns(
    privacy: Privacy, session: Session, log: AccessLog, tmp_path: Path
) -> None:
    reference = asked(privacy, session)
    with officer(privacy):
        request = privacy.requests.correct(
            session,
            reference,
            {"customers.name": "Anne Harbour", "customers.birthday": date(1991, 3, 4)},
            evidence="passport",
        )
        assert request.state == "in_work"
        assert request.steps[-1].what == ("customers.birthday", "customers.name")
        assert privacy.requests.answer(session, reference).request.state == "answered"
    session.commit()
    with maintenance(privacy):
        found = session.get_one(Customer, 1)
        assert (found.name, found.birthday, found.email) == ("Anne Harbour", date(1991, 3, 4), "home@example.com")
        assert session.get_one(Customer, 2).name == "Bo Peep"
    written = "".join(file.read_text() for file in (tmp_path / "log").iterdir() if file.is_file())
    assert "Harbour" not in written
    assert "1991-03" not in written
    (event,) = [
        one
        for one in log.events()
        if one.kind == "intent" and "customers.name" in one.writes and one.actor == "staff:1"
    ]
    assert event.subjects == [asking.KEYS.pseudonym_key().of("customer", 1)]


def test_the_row_is_named_where_there_are_several(privacy: Privacy, session: Session) -> None:
    reference = asked(privacy, session)
    with officer(privacy):
        with pytest.raises(RequestRefused, match="or there are several"):
            privacy.requests.correct(session, reference, {"orders.note": "ring once"}, evidence="call")
        privacy.requests.correct(session, reference, {"orders.note": "ring once"}, evidence="call", row=1)
        privacy.requests.correct(session, reference, {"items.product": "savon"}, evidence="bill", row="1")
        privacy.requests.correct(session, reference, {"profiles.nickname": "nan"}, evidence="call")
    with maintenance(privacy):
        assert session.scalars(select(Order.note).order_by(Order.id)).all()[0] == "ring once"
        assert session.scalars(select(Item.product).order_by(Item.id)).all()[0] == "savon"
        assert session.scalars(select(Profile.nickname).order_by(Profile.customer_id)).all() == ["nan", "bopeep"]


WRONG: list[tuple[dict[str, Any], object]] = [
    ({"orders.note": "x"}, 4),  # of somebody else
    ({"orders.note": "x"}, 99),
    ({"items.product": "x"}, 4),
    ({"orders.status": "x"}, 1),  # not personal
    ({"customers.name": "x", "profiles.nickname": "x"}, None),  # two tables
    ({"employees.name": "x"}, 1),  # another kind of person
    ({"customers.nam": "x"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("changes", "row"), WRONG)
def test_what_is_not_theirs_is_not_changed(
    privacy: Privacy, session: Session, changes: dict[str, Any], row: object
) -> None:
    reference = asked(privacy, session)
    with officer(privacy):
        with pytest.raises(RequestRefused):
            privacy.requests.correct(session, reference, changes, evidence="passport", row=row)
        assert [taken.step for taken in privacy.requests.show(session, reference).steps] == ["identify", "begin"]
    with maintenance(privacy):
        everything = [*session.scalars(select(Order.note)), *session.scalars(select(Customer.name))]
        assert "x" not in everything


def test_a_correction_needs_evidence_and_comes_before_the_answer(privacy: Privacy, session: Session) -> None:
    reference = asked(privacy, session)
    with officer(privacy):
        with pytest.raises(RequestRefused, match="true"):
            privacy.requests.correct(session, reference, {"customers.name": "Anne"}, evidence=" ")
        with pytest.raises(RequestRefused, match="nothing to answer"):
            privacy.requests.answer(session, reference)


def test_a_rollback_takes_back_the_change_and_the_step(privacy: Privacy, session: Session) -> None:
    reference = asked(privacy, session)
    session.commit()
    with officer(privacy):
        privacy.requests.correct(session, reference, {"customers.name": "Anne"}, evidence="passport")
        session.rollback()
        assert privacy.requests.show(session, reference).steps[-1].step == "begin"
    with maintenance(privacy):
        assert session.get_one(Customer, 1).name == "Ann Arbor"


def test_what_a_session_holds_of_the_row_is_read_again(privacy: Privacy, session: Session) -> None:
    with maintenance(privacy):
        ann, bo = session.get_one(Customer, 1), session.get_one(Customer, 2)
        assert ann.name == "Ann Arbor"
        assert bo.name == "Bo Peep"
    reference = asked(privacy, session)
    with officer(privacy):
        privacy.requests.correct(session, reference, {"customers.name": "Anne"}, evidence="passport")
    with maintenance(privacy):
        assert ann.name == "Anne"
        assert bo.name == "Bo Peep"
