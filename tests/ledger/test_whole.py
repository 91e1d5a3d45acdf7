"""What is entered in several statements is entered whole, in the transaction of the caller: or none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from sa_privacy import Giver, Policy, PolicyError, Privacy, RequestRefused
from sa_privacy.customers.requests.course import Course
from sa_privacy.policy.writing import as_sections
from sa_privacy.staff.tables import ACCOUNTS
from tests.customers.requests import asking
from tests.customers.requests.asking import Customer
from tests.support.databases import Database

ANN = ("customer", 1)


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    asking.filled(database)
    sections = as_sections(asking.POLICY)
    sections["roles"]["chief"] = {"grants": ["warehouse"]}
    sections["roles"]["warehouse"] |= {"granted": True}
    with asking.protected(engine, None, Policy(**sections)) as (made, _):
        yield made


def begun(privacy: Privacy, session: Session, kind: Any) -> str:
    """A request of Ann's that is in work."""
    reference = privacy.requests.receive(session, kind, claimed="Ann").reference
    privacy.requests.identify(session, reference, ANN, method="identity_card", evidence="card")
    privacy.requests.begin(session, reference)
    session.commit()
    return reference


def name_of_ann(privacy: Privacy, session: Session) -> str:
    with asking.maintenance(privacy):
        return session.scalars(select(Customer.name).where(Customer.id == 1)).one()


def test_a_correction_that_is_not_entered_is_not_made(
    privacy: Privacy, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*_: Any, **__: Any) -> None:
        raise RequestRefused("somebody else has just done something about this request.", hint="again.")

    with Session(engine) as session:
        with asking.officer(privacy):
            reference = begun(privacy, session, "correction")
            with monkeypatch.context() as patched:
                patched.setattr(Course, "write", overtaken)
                with pytest.raises(RequestRefused):
                    privacy.requests.correct(session, reference, {"customers.name": "Anna"}, evidence="passport")
            session.commit()  # as one does who only shows the error
        assert name_of_ann(privacy, session) == "Ann Arbor"
        with asking.officer(privacy):
            privacy.requests.correct(session, reference, {"customers.name": "Anna"}, evidence="passport")
            session.rollback()
        assert name_of_ann(privacy, session) == "Ann Arbor", "nothing of it is committed but by the caller"


def test_an_account_is_made_with_the_transaction_of_the_caller(privacy: Privacy, engine: Engine) -> None:
    with privacy.access(role="chief", actor="staff:1"), Session(engine) as session:
        privacy.staff.create(session, "bo@example.com")
        session.rollback()
    with asking.maintenance(privacy), Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(ACCOUNTS)) == 0


ENTERED: dict[str, Callable[[Privacy, Session], object]] = {
    "consent": lambda privacy, session: privacy.consents.give(session, ANN, "advertiser", how="web"),
    "account": lambda privacy, session: privacy.staff.create(session, "bo@example.com"),
    "receipt": lambda privacy, session: privacy.received(
        session, from_=Giver("X"), subjects=[ANN], categories="name", how_obtained="from a fair"
    ),
}


@pytest.mark.parametrize("what", ENTERED)
def test_where_each_statement_commits_by_itself_nothing_is_entered(privacy: Privacy, engine: Engine, what: str) -> None:
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    with (
        privacy.access("shipping", role=["support", "chief"], actor="staff:1"),
        Session(alone) as session,
        pytest.raises(PolicyError, match="autocommit"),
    ):
        ENTERED[what](privacy, session)
