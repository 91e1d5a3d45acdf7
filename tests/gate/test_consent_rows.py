"""Purposes that ask for consent reach the rows of people who agreed, or did not object, and of nobody else.

The store is an application's own (`ruled.TableConsents`): a table in the same database.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, delete, func, insert, select, text, update
from sqlalchemy.orm import Session, joinedload

from sa_privacy import AccessLog, Privacy, RowsDenied
from sa_privacy.ledger import Desk
from tests.gate import owned, ruled
from tests.gate.owned import Customer, Item, Letter, Order, Return
from tests.gate.ruled import CONSENTS
from tests.support.databases import Database


@pytest.fixture
def log(tmp_path: Any) -> AccessLog:
    return AccessLog.open(tmp_path / "log")


@pytest.fixture
def privacy(log: AccessLog) -> Iterator[Privacy]:
    made = ruled.made(log)
    yield made
    made.close()


@pytest.fixture
def session(database: Database, engine: Engine, privacy: Privacy) -> Iterator[Session]:
    ruled.filled(database)
    privacy.install(engine)
    with Session(engine) as opened:
        yield opened


def say(session: Session, purpose: str, customer: int, agreed: bool) -> None:
    """Somebody says something, now and once more."""
    connection = session.connection()
    connection.execute(delete(CONSENTS).where(CONSENTS.c.purpose == purpose, CONSENTS.c.customer_id == customer))
    connection.execute(insert(CONSENTS).values(purpose=purpose, customer_id=customer, agreed=agreed))


def marketing(privacy: Privacy, *purposes: str) -> Any:
    return privacy.access(purposes, role="marketing", actor="staff:5")


def names(session: Session) -> list[str]:
    return sorted(session.scalars(select(Customer.name)))


def test_opt_in_reaches_who_said_yes_and_no_longer_after_a_withdrawal(session: Session, privacy: Privacy) -> None:
    with marketing(privacy, "campaign"):
        assert names(session) == []
        say(session, "campaign", 1, True)
        say(session, "campaign", 2, False)
        assert names(session) == ["Ann"]
        assert session.scalar(select(func.count()).select_from(Customer)) == 1
        say(session, "campaign", 1, False)  # in the same transaction
        assert names(session) == []


def test_opt_out_reaches_who_did_not_object(session: Session, privacy: Privacy) -> None:
    with marketing(privacy, "newsletter"):
        assert names(session) == ["Ann", "Bo", "Cy"]
        say(session, "newsletter", 2, False)
        say(session, "newsletter", 3, True)
        assert names(session) == ["Ann", "Cy"]


def test_each_purpose_asks_for_its_own_and_one_of_several_will_do(session: Session, privacy: Privacy) -> None:
    say(session, "campaign", 1, True)
    say(session, "survey", 2, True)
    with marketing(privacy, "survey"):
        assert names(session) == ["Bo"]
    with marketing(privacy, "campaign", "survey"):
        assert names(session) == ["Ann", "Bo"]


def test_what_leads_to_a_person_is_reached_with_them(session: Session, privacy: Privacy) -> None:
    say(session, "newsletter", 1, False)
    with marketing(privacy, "newsletter"):
        assert session.scalars(select(Item.product).order_by(Item.id)).all() == [
            "drum",
            "vase",
        ]  # nobody's coat neither
        assert session.scalars(select(Return.why)).all() == ["loud"]
        loaded = session.scalars(select(Return).options(joinedload(Return.item))).all()
        assert [found.item.product for found in loaded] == ["drum"]


def test_a_purpose_without_consent_lifts_it_where_it_covers_the_same(session: Session, privacy: Privacy) -> None:
    with privacy.access(["campaign", "desk"], role=["marketing", "senior"], actor="staff:5"):
        assert names(session) == ["Ann", "Bo", "Cy"]


def test_changes_reach_nobody_else_either(session: Session, privacy: Privacy) -> None:
    say(session, "newsletter", 1, False)
    with marketing(privacy, "newsletter"):
        result: Any = session.execute(update(Item).values(product="x"))
        assert result.rowcount == 2
        session.execute(update(Customer).where(Customer.id.in_([1, 2])).values(name="x"))
        assert names(session) == ["Cy", "x"]


def test_what_cannot_carry_the_question_is_refused(session: Session, privacy: Privacy, log: AccessLog) -> None:
    with (
        marketing(privacy, "campaign"),
        pytest.raises(RowsDenied, match=r'customers is restricted \(purpose "campaign"'),
    ):
        session.execute(text("SELECT name FROM customers"))
    assert next(event for event in log.events() if event.denials).denials == ['rows of customers (purpose "campaign")']


def test_objects_in_memory_are_of_people_who_agreed(session: Session, privacy: Privacy) -> None:
    with privacy.access("desk", role="senior", actor="staff:2"):
        ann, bo = session.get_one(Customer, 1), session.get_one(Customer, 2)
        say(session, "campaign", 2, True)
        with marketing(privacy, "campaign"):
            assert bo.name == "Bo"
            with pytest.raises(RowsDenied):
                _ = ann.name


def test_maintenance_and_the_librarys_own_desk_reach_everybody(session: Session, privacy: Privacy) -> None:
    privacy.restrict(Customer, role="marketing", where=lambda c, _: c.id >= 2)
    desk: Desk = privacy._desk
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="all"):
        assert names(session) == ["Ann", "Bo", "Cy"]
    with marketing(privacy, "campaign"), desk.open(session.connection(), reads={"name"}) as connection:
        assert connection.scalars(select(Customer.__table__.c.name)).all() == ["Bo", "Cy"]  # but the role's rule holds


def test_a_table_that_names_no_person_is_refused(database: Database, engine: Engine) -> None:
    ruled.filled(database)
    leads = Table("leads", MetaData(), Column("id", Integer, primary_key=True), Column("name", String(20)))
    leads.create(engine)
    both = [owned.Base.metadata, leads.metadata]
    privacy = Privacy(ruled.POLICY, keys=owned.KEYS, log=None, metadata=both, consents=ruled.TableConsents())
    privacy.annotate(leads.c.name, category="name", encrypt=False)
    privacy.install(engine)
    with engine.connect() as connection, marketing(privacy, "campaign"):
        for statement in (select(leads.c.name), select(func.count()).select_from(leads)):
            with pytest.raises(RowsDenied, match="leads names no data subject"):
                connection.execute(statement)
        assert connection.execute(select(Letter.id)).all() == []  # its text is covered, and nobody agreed
        assert connection.execute(select(Order.status)).all()  # nothing of it is reached by consent
    privacy.close()


def test_a_store_that_gives_no_condition_refuses(database: Database, engine: Engine) -> None:
    class Unsure(ruled.TableConsents):
        def condition(self, purpose: str, kind: str, key: Any) -> Any:
            return None

    class Failing(ruled.TableConsents):
        def condition(self, purpose: str, kind: str, key: Any) -> Any:
            raise LookupError("Ann said no")

    ruled.filled(database)
    for store, said in ((Unsure(), "gives no SQL condition"), (Failing(), "LookupError")):
        privacy = ruled.made(consents=store)
        privacy.install(engine)
        with engine.connect() as connection, marketing(privacy, "campaign"):
            with pytest.raises(RowsDenied, match=said) as refused:
                connection.execute(select(Customer.name))
            assert "Ann" not in str(refused.value)
        privacy.close()


def test_values_in_the_condition_of_a_store_are_those_of_the_moment(database: Database, engine: Engine) -> None:
    class Elsewhere(ruled.TableConsents):
        """No table of this database: the keys of who agreed."""

        agreed_to = {"campaign": [1]}

        def condition(self, purpose: str, kind: str, key: Any) -> Any:
            return key.in_(self.agreed_to.get(purpose, []))

    ruled.filled(database)
    privacy = ruled.made(consents=Elsewhere())
    privacy.install(engine)
    with Session(engine) as session:
        with marketing(privacy, "campaign"):
            assert names(session) == ["Ann"]
        Elsewhere.agreed_to = {"campaign": [2, 3]}
        with marketing(privacy, "campaign"):
            assert names(session) == ["Bo", "Cy"]
    privacy.close()
