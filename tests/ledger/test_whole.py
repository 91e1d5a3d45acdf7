"""What is entered in several statements is entered whole, in the transaction of the caller: or none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import Giver, Policy, PolicyError, Privacy, RequestRefused
from sa_privacy.customers.requests.course import Course
from sa_privacy.policy.writing import as_sections
from sa_privacy.staff.tables import ACCOUNTS
from tests.customers.requests import asking
from tests.customers.requests.asking import Customer
from tests.support.databases import AsyncDriver, Database

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


ENTERED: dict[str, Callable[[Privacy, Any], object]] = {
    "consent": lambda privacy, session: privacy.consents.give(session, ANN, "advertiser", how="web"),
    "account": lambda privacy, session: privacy.staff.create(session, "bo@example.com"),
    "grant": lambda privacy, session: privacy.staff.grant(session, "staff:7", "warehouse", reason="new"),
    "request": lambda privacy, session: privacy.requests.receive(session, "disclosure", claimed="Ann"),
    "receipt": lambda privacy, session: privacy.received(
        session, from_=Giver("X"), subjects=[ANN], categories="name", how_obtained="from a fair"
    ),
}


@pytest.mark.parametrize("told", ["SQLAlchemy", "the driver", "a connection"])
@pytest.mark.parametrize("what", ENTERED)
def test_where_each_statement_commits_by_itself_nothing_is_entered(
    privacy: Privacy, engine: Engine, database: Database, what: str, told: str
) -> None:
    alone: Any = engine.execution_options(isolation_level="AUTOCOMMIT")
    if told == "the driver":
        alone = database.engine(isolation_level="AUTOCOMMIT")
        privacy.install(alone)
    with (
        privacy.access("shipping", role=["support", "chief"], actor="staff:1"),
        alone.connect() as connection,
        pytest.raises(PolicyError, match="autocommit"),
    ):
        ENTERED[what](privacy, connection if told == "a connection" else Session(connection))
    with database.engine().connect() as plain:
        for table in privacy.metadata.sorted_tables:
            assert plain.scalar(select(func.count()).select_from(table)) == 0, table.name


def test_but_what_was_entered_can_be_looked_at(privacy: Privacy, engine: Engine) -> None:
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    with privacy.access("shipping", role=["support", "chief"], actor="staff:1"), Session(alone) as session:
        assert privacy.consents.history(session, ANN) == []
        assert not privacy.consents.state(session, ANN, "advertiser").agreed


LOOKED_AT: dict[str, Callable[[Privacy, Session, str], object]] = {
    "a request": lambda privacy, session, reference: privacy.requests.show(session, reference).kind,
    "requests": lambda privacy, session, _: len(privacy.requests.list(session)),
    "overdue": lambda privacy, session, _: privacy.requests.overdue(session),
    "a file": lambda privacy, session, reference: privacy.requests.preview(session, reference).language,
    "a review": lambda privacy, session, _: privacy.staff.report(session).logged,
}


@pytest.mark.parametrize("what", LOOKED_AT)
def test_asking_enters_nothing_and_takes_no_transaction(privacy: Privacy, engine: Engine, what: str) -> None:
    with asking.officer(privacy), Session(engine) as session:
        reference = begun(privacy, session, "disclosure")
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    roles = ["officer", "chief"]
    with privacy.request(role=roles, actor="staff:1"), Session(alone) as session:
        found = LOOKED_AT[what](privacy, session, reference)
    with privacy.request(role=roles, actor="staff:1"), Session(engine) as session:
        assert found == LOOKED_AT[what](privacy, session, reference)


@pytest.mark.backends("sqlite")
def test_where_the_application_begins_transactions_itself_they_are_the_ledger_s(database: Database) -> None:
    """As SQLAlchemy advises for savepoints of sqlite3: the driver begins nothing, an event does."""
    asking.filled(database)
    engine = database.engine()
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with asking.protected(engine, None) as (made, _), asking.officer(made), Session(engine) as session:
        made.consents.give(session, ANN, "advertiser", how="web")
        session.rollback()
        assert made.consents.history(session, ANN) == []
        made.consents.give(session, ANN, "advertiser", how="web")
        session.commit()
        assert len(made.consents.history(session, ANN)) == 1


async def test_an_async_engine_is_seen_through(database: Database, async_driver: AsyncDriver) -> None:
    asking.filled(database)
    engine = database.async_engine(async_driver, isolation_level="AUTOCOMMIT")
    try:
        with asking.protected(engine.sync_engine, None) as (made, _), asking.officer(made):
            async with AsyncSession(engine) as session:
                with pytest.raises(PolicyError, match="autocommit"):
                    await session.run_sync(lambda s: made.consents.give(s, ANN, "advertiser", how="web"))
    finally:
        await database.dispose_async()


@pytest.mark.parametrize("whose", ["nobody's", "another one's"])
@pytest.mark.parametrize("what", ENTERED)
def test_on_an_engine_that_is_not_protected_nothing_is_entered_or_given(
    privacy: Privacy, database: Database, what: str, whose: str
) -> None:
    """There it would be neither judged nor logged."""
    other = database.engine()
    with closing(Privacy(asking.POLICY, keys=asking.KEYS, log=None, metadata=asking.Base)) as another:
        if whose == "another one's":
            another.install(other)
        with privacy.access("shipping", role=["support", "chief"], actor="staff:1"), Session(other) as session:
            for ask in (ENTERED[what], lambda p, s: p.consents.history(s, ANN)):
                with pytest.raises(PolicyError, match="not installed"):
                    ask(privacy, session)
    with database.engine().connect() as plain:
        for table in privacy.metadata.sorted_tables:
            assert plain.scalar(select(func.count()).select_from(table)) == 0, table.name


def test_a_session_without_an_engine_for_the_tables_is_told_what_it_lacks(privacy: Privacy, engine: Engine) -> None:
    with privacy.access("shipping", role="support", actor="staff:1"), Session(binds={asking.Base: engine}) as session:
        with pytest.raises(PolicyError, match="no engine for the library's own tables"):
            privacy.consents.history(session, ANN)
        for table in privacy.metadata.sorted_tables:
            session.bind_table(table, engine)
        assert privacy.consents.history(session, ANN) == []
