"""Whose data may be used, as a condition in SQL: in plain statements, on an engine that nobody protects."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, String, Uuid, and_, column, exists, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from sa_privacy import DataSubject, PolicyError, Privacy, pii_column
from sa_privacy.customers.consent.port import ConsentLedger
from sa_privacy.customers.consent.tables import CONSENT_STATE
from sa_privacy.policy import ConsentPort
from tests.customers.consent.world import PEOPLE, START, Clock, Customer, Order, at_the_desk, fill, opened, policy
from tests.ledger.keys import Prefixed
from tests.support.databases import Database


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def privacy(database: Database, engine: Engine, clock: Clock) -> Iterator[Privacy]:
    """Ann agreed to all, Bo took it back, Cy said no, Dee said nothing."""
    database.fill("consent_said", _fill)
    with closing(opened(engine, clock)) as made:
        yield made


def _fill(database: Database) -> None:
    fill(database)
    engine = database.engine()
    with closing(opened(engine, Clock())) as made, at_the_desk(made, engine) as session:
        for to in ("campaigns", "improvement", "purpose:surveys", "advertiser"):
            words: dict[str, Any] = {"how": "web", "language": "en"}
            made.consents.give(session, 1, to, **words)
            made.consents.give(session, 2, to, **words)
            made.consents.withdraw(session, 2, to, **words)
            made.consents.refuse(session, 3, to, **words)
        session.commit()


@pytest.fixture
def plain(database: Database) -> Iterator[Session]:
    with Session(database.engine()) as session:
        yield session


def test_the_ledger_is_a_port(privacy: Privacy) -> None:
    assert isinstance(privacy.consents.port, ConsentPort)


def test_it_tells_who_agreed_and_who_did_not_object(privacy: Privacy, plain: Session, clock: Clock) -> None:
    def of(purpose: str) -> list[int]:
        condition = privacy.consents.port.condition(purpose, "customer", Customer.id)
        return list(plain.scalars(select(Customer.id).where(condition).order_by(Customer.id)))

    assert (of("campaigns"), of("improvement"), of("surveys"), of("shipping")) == ([1], [1, 4], [1], [1, 2, 3, 4])
    clock.passes(days=366)
    assert (of("campaigns"), of("improvement"), of("surveys")) == ([], [1, 4], [1])
    with pytest.raises(PolicyError, match="no purpose"):
        of("campaign")


def test_the_moment_is_that_of_the_statement_not_of_the_condition(
    privacy: Privacy, plain: Session, clock: Clock
) -> None:
    """A condition may be built once and run for years."""
    statement = select(Customer.id).where(privacy.consents.port.condition("campaigns", "customer", Customer.id))
    assert plain.scalars(statement).all() == [1]
    clock.passes(days=366)
    assert plain.scalars(statement).all() == []


def test_a_new_version_of_the_wording_asks_everybody_anew(
    privacy: Privacy, plain: Session, engine: Engine, clock: Clock
) -> None:
    privacy.uninstall(engine)
    with closing(opened(engine, clock, policy("2"))) as newer:
        condition = newer.consents.port.condition("campaigns", "customer", Customer.id)
        assert plain.scalars(select(Customer.id).where(condition)).all() == []
        condition = newer.consents.port.condition("improvement", "customer", Customer.id)
        assert plain.scalars(select(Customer.id).where(condition)).all() == [1, 4]


def test_it_stands_in_every_kind_of_statement(privacy: Privacy, plain: Session) -> None:
    def agreed(key: Any) -> Any:
        return privacy.consents.port.condition("campaigns", "customer", key)

    other, orders = aliased(Customer), Order.__table__.alias()
    of_somebody = exists(select(1).where(and_(Order.customer_id == Customer.id, agreed(Order.customer_id))))
    assert plain.scalars(select(other.id).where(agreed(other.id))).all() == [1]
    assert plain.scalars(select(orders.c.id).where(agreed(orders.c.customer_id))).all() == [1]
    assert plain.scalar(select(func.count()).select_from(Customer).where(agreed(Customer.id))) == 1
    assert plain.scalars(select(Customer.id).where(of_somebody)).all() == [1]
    joined = select(Order.id).join(Customer, and_(Order.customer_id == Customer.id, agreed(Customer.id)))
    assert plain.scalars(joined).all() == [1]
    plain.execute(update(Order).where(agreed(Order.customer_id)).values(note="mail"))
    assert plain.scalars(select(Order.id).where(Order.note == "mail")).all() == [1]


def test_a_row_of_nobodys_is_never_among_them(privacy: Privacy, plain: Session) -> None:
    """Where silence means yes, nobody has said no for it: and nobody yes, either."""
    condition = privacy.consents.port.condition("improvement", "customer", Order.customer_id)
    assert plain.scalars(select(Order.id).where(condition).order_by(Order.id)).all() == [1, 4]


def test_another_kind_of_people_with_the_same_keys_is_not_meant(privacy: Privacy, plain: Session) -> None:
    condition = privacy.consents.port.condition("campaigns", "employee", Customer.id)
    assert plain.scalars(select(Customer.id).where(condition)).all() == []


def test_the_index_of_the_states_is_used(privacy: Privacy, plain: Session, backend: str) -> None:
    rows = [
        {"kind": "customer", "subject": str(n), "what": what, "said": "given", "version": "1", "at": START}
        | {"entered": START, "record": f"{what}{n}"}
        for n in range(1000, 4000)
        for what in ("purpose:campaigns", "purpose:improvement")
    ]
    plain.execute(insert(CONSENT_STATE), rows)
    plain.execute(text("ANALYZE"))
    for purpose in ("campaigns", "improvement"):
        condition = privacy.consents.port.condition(purpose, "customer", Customer.id)
        statement = select(Customer.id).where(condition, Customer.id < 3)
        bind = plain.get_bind()
        sql = str(statement.compile(bind, compile_kwargs={"literal_binds": True}))
        told = plain.execute(
            text(("EXPLAIN QUERY PLAN " if backend == "sqlite" else "EXPLAIN ") + sql.replace(":", "\\:"))
        )
        plan = "\n".join(str(row) for row in told)
        used = "what=? AND kind=? AND subject=?" if backend == "sqlite" else "uq_sa_privacy_consent_state"
        assert used in plan, plan


def test_third_parties_get_those_who_agreed(privacy: Privacy, engine: Engine) -> None:
    with privacy.access("shipping", role="desk", actor="staff:17"), Session(engine) as session:
        connection, port = session.connection(), privacy.consents.port
        assert port.agreed(connection, "advertiser", "customer", [1, 2, "3", 4, 99]) == {1}
        assert port.agreed(connection, "advertiser", "customer", ["1"]) == {"1"}, "as they were asked for"
        assert port.agreed(connection, "advertiser", "customer", []) == frozenset()
        assert port.agreed(connection, "surveys", "customer", [1]) == frozenset(), "a purpose is no recipient"
        for nobody in ("carrier", "campaigns"):
            with pytest.raises(PolicyError, match="nobody is asked"):
                port.agreed(connection, nobody, "customer", [1])


def test_third_parties_get_as_many_as_one_likes(privacy: Privacy, engine: Engine) -> None:
    many = range(1000, 2200)
    with privacy.access(maintenance=True, role="engineer", actor="tests", reason="rows"), Session(engine) as session:
        session.add_all([Customer(id=n, name="n", email="e") for n in many])
        row = {"kind": "customer", "what": "recipient:advertiser", "said": "given", "version": "1", "at": START}
        with privacy._desk.open(session) as connection:
            connection.execute(
                insert(CONSENT_STATE), [row | {"subject": str(n), "entered": START, "record": str(n)} for n in many]
            )
        session.commit()
    with privacy.access("shipping", role="desk", actor="staff:17"), Session(engine) as session:
        keys = [*many, *PEOPLE]
        assert privacy.consents.port.agreed(session.connection(), "advertiser", "customer", keys) == {*many, 1}


class Keyed(DeclarativeBase):
    """People with keys of other types."""


class Member(Keyed):
    __tablename__ = "members"
    __data_subject__ = DataSubject("member", key="id")
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


class Visit(Keyed):
    __tablename__ = "visits"
    __data_subject__ = DataSubject("member", via="member_id")
    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))


class Payer(Keyed):
    __tablename__ = "payers"
    __data_subject__ = DataSubject("payer", key="id")
    id: Mapped[str] = mapped_column(Prefixed, primary_key=True)
    name: Mapped[str] = pii_column(String(40), category="name", encrypt=False)


def test_keys_of_any_type_are_those_of_the_rows(database: Database, engine: Engine) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.customers.consent.world.Base", Keyed)
        made = opened(engine, Clock())
    with closing(made):
        Keyed.metadata.create_all(engine)
        made.metadata.create_all(engine)
        with made.access(maintenance=True, role="engineer", actor="t", reason="rows"), Session(engine) as session:
            session.add_all([Member(id=one, name="a"), Member(id=other, name="b")])
            session.add_all([Payer(id="cus_7", name="c"), Payer(id="cus_8", name="d")])
            session.flush()
            session.add_all([Visit(id=1, member_id=one), Visit(id=2, member_id=other)])
            session.commit()
        with at_the_desk(made, engine) as session:
            made.consents.give(session, ("member", str(one)), "campaigns", how="web", language="en")
            made.consents.give(session, ("payer", "cus_8"), "campaigns", how="web", language="en")
            session.commit()
        with Session(database.engine()) as plain:
            for kind, key, agreed in (
                ("member", Member.id, [one]),
                ("member", Visit.member_id, [one]),
                ("payer", Payer.id, ["cus_8"]),
            ):
                condition = made.consents.port.condition("campaigns", kind, key)
                assert plain.scalars(select(key).where(condition)).all() == agreed


def test_a_key_that_is_stored_in_several_ways_is_refused(privacy: Privacy) -> None:
    """Where silence means yes, an objection would be missed."""
    for kind in (CITEXT(), String(collation="NOCASE"), Customer.__table__.c.email.type):
        with pytest.raises(PolicyError, match="cannot be told apart by login"):
            privacy.consents.port.condition("improvement", "customer", column("login", kind))


def test_a_withdrawal_counts_in_its_own_transaction_and_for_others_once_committed(
    privacy: Privacy, engine: Engine, plain: Session
) -> None:
    condition = privacy.consents.port.condition("campaigns", "customer", Customer.id)
    statement = select(func.count()).select_from(Customer).where(condition)
    with at_the_desk(privacy, engine) as session:
        privacy.consents.withdraw(session, 1, "campaigns", how="call")
        assert not privacy.consents.state(session, 1, "campaigns").agreed
        if engine.dialect.name == "postgresql":
            assert plain.scalar(statement) == 1
        session.commit()
    assert plain.scalar(statement) == 0, "in the same transaction as before"
    with at_the_desk(privacy, engine) as session:
        privacy.consents.give(session, 1, "campaigns", how="web", language="en")
        session.rollback()
        assert not privacy.consents.state(session, 1, "campaigns").agreed


def test_a_subclass_says_for_itself_whether_its_conditions_last() -> None:
    class Own(ConsentLedger):
        """May answer with keys that differ."""

    assert ConsentLedger.lasting
    assert not Own.lasting
