"""An erasure ends the person's key with them: also one that nobody had linked, and where rows of theirs have to stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Date, Engine, ForeignKey, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import (
    ERASED,
    DataSubject,
    Keyring,
    PersonErased,
    Policy,
    Privacy,
    RetentionRefused,
    UnderHold,
    pii_column,
)
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.policy.writing import as_sections
from tests.subject_keys.world import POLICY

BILLS = {
    "table": "bills",
    "clock": "placed",
    "period": "P1Y",
    "action": "delete",
    "reasons": {"tax": {"law": "Books", "period": "P90Y", "keeps": ["total"]}},
}
ENDING = Policy(**as_sections(POLICY), erasure={"roles": ["clerk"]}, retention={"bills": BILLS})


class Base(DeclarativeBase):
    """Registry of these models."""


class Payer(Base):
    """A person."""

    __tablename__ = "payers"
    __data_subject__ = DataSubject("payer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = pii_column(category="name", key="subject")


class Bill(Base):
    """Has to be kept, as the books have it."""

    __tablename__ = "bills"
    __data_subject__ = DataSubject("payer", via="payer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    payer_id: Mapped[int] = mapped_column(ForeignKey("payers.id"))
    placed: Mapped[date] = mapped_column(Date, default=date(2026, 1, 1))
    total: Mapped[int] = mapped_column(default=10)
    memo: Mapped[str | None] = pii_column(category="note", key="subject")
    line: Mapped[str] = pii_column(category="note", key="subject")


class Slip(Base):
    """May be left behind by whose it is."""

    __tablename__ = "slips"
    __data_subject__ = DataSubject("payer", via="payer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    payer_id: Mapped[int | None] = mapped_column(ForeignKey("payers.id"))
    placed: Mapped[date] = mapped_column(Date)
    total: Mapped[int] = mapped_column(default=10)
    line: Mapped[str] = pii_column(category="note", key="subject")


class Letter(Base):
    """Need not be kept."""

    __tablename__ = "letters"
    __data_subject__ = DataSubject("payer", via="payer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    payer_id: Mapped[int] = mapped_column(ForeignKey("payers.id"))
    words: Mapped[str] = pii_column(category="note", key="subject")


@pytest.fixture
def ending(engine: Engine) -> Iterator[Privacy]:
    """Two people: of the first the key is not linked to them."""
    privacy = Privacy(ENDING, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="staff:1", reason="asked for"):
        with engine.begin() as connection:
            connection.execute(insert(Payer), [{"name": "Anna"}, {"name": "Bob"}])  # which tells no numbers
            connection.execute(insert(Letter).values(payer_id=2, words="dear"))
        yield privacy
    privacy.close()


def keys(privacy: Privacy, engine: Engine) -> list[tuple[str | None, bool]]:
    with privacy.access(maintenance=True, role="engineer", actor="staff:2"), engine.connect() as connection:
        rows = connection.execute(select(SUBJECT_KEYS.c.subject, SUBJECT_KEYS.c.wrapped.is_not(None))).all()
    return sorted(((subject, there) for subject, there in rows), key=repr)


def test_a_key_that_is_linked_to_nobody_ends_with_its_person(ending: Privacy, engine: Engine) -> None:
    assert keys(ending, engine) == [("2", True), (None, True)]
    with Session(engine) as session:
        plan = ending.erasure.plan(session, 1)
    ending.erasure.run(engine, plan)
    assert [there for subject, there in keys(ending, engine) if subject != "2"] == [False, False]
    with Session(engine) as session, pytest.raises(PersonErased):
        session.execute(insert(Letter).values(payer_id=1, words="dear"))


def test_what_has_to_stay_leads_to_a_shell_and_its_cells_are_noise(ending: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        session.add_all([Bill(payer_id=2, memo="late", line="tea"), Letter(payer_id=2, words="dear")])
        session.commit()
        plan = ending.erasure.plan(session, 2)
        session.rollback()
        ending.erasure.run(engine, plan)
        bill = session.scalars(select(Bill)).one()
        assert (bill.payer_id == 2, bill.total, bill.memo) == (False, 10, None)
        assert bill.line in {"", ERASED}
        assert session.scalars(select(Letter)).all() == []
        assert session.scalars(select(Payer.name).where(Payer.id == 1)).one() == "Anna"
    assert ("2", False) in keys(ending, engine)


def test_nothing_ends_where_the_erasure_is_not_committed(ending: Privacy, engine: Engine) -> None:
    with Session(engine) as session:
        plan = ending.erasure.plan(session, 2)
    before = keys(ending, engine)
    ended = ending.people_keys.destroy

    def destroy(*given: object) -> int:
        ended(*given)  # type: ignore[arg-type]
        raise RuntimeError

    ending.people_keys.destroy = destroy  # type: ignore[method-assign,assignment]
    with pytest.raises(RuntimeError):
        ending.erasure.run(engine, plan)
    assert keys(ending, engine) == before


def test_a_hold_keeps_the_key_and_lets_the_person_be_written_to(ending: Privacy, engine: Engine) -> None:
    ending.holds.guard(engine)
    with Session(engine) as session:
        hold = ending.holds.place(session, subject=1, case="A-1", reason="a suit", review_by=date(2099, 1, 1))
        session.commit()
        session.add_all([Letter(payer_id=1, words="go on"), Payer(name="Cara")])
        session.commit()
        with pytest.raises(UnderHold):
            ending.people_keys.destroy(session.connection(), "payer", 1)
        session.rollback()
        ending.holds.release(session, hold, reason="over")
        session.commit()
        assert ending.people_keys.destroy(session.connection(), "payer", 1) == 1


def test_what_a_reason_keeps_is_not_sealed_under_a_key_that_ends(engine: Engine) -> None:
    """Else the books would hold noise, and nobody would have said so."""
    bills = BILLS | {"reasons": {"tax": {"law": "Books", "period": "P90Y", "keeps": ["total", "memo"]}}}
    policy = Policy(**as_sections(POLICY), erasure={"roles": ["clerk"]}, retention={"bills": bills})
    privacy = Privacy(policy, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="staff:1", reason="asked for"), Session(engine) as session:
        session.add(Payer(name="Bob"))
        session.flush()
        session.add(Bill(payer_id=session.scalars(select(Payer.id)).one(), memo="late", line="tea"))
        session.flush()
        with pytest.raises(RetentionRefused, match=r"bills\.memo is kept by a reason"):
            privacy.erasure.plan(session, session.scalars(select(Payer.id)).one())
        session.rollback()
    with pytest.raises(RetentionRefused, match=r"reasons\.tax: bills\.memo is sealed"):
        privacy.check(engine)
    privacy.close()


@pytest.mark.parametrize("meanwhile", ["anonymise", "pseudonymise"])
def test_retention_empties_what_takes_no_null_of_several_people(engine: Engine, meanwhile: str) -> None:
    policy = Policy(
        **as_sections(POLICY), erasure={"roles": ["clerk"]}, retention={"bills": BILLS | {"meanwhile": meanwhile}}
    )
    privacy = Privacy(policy, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="staff:1", reason="asked for"), Session(engine) as session:
        session.add_all([Payer(name="Anna"), Payer(name="Bob")])
        session.flush()
        session.add_all([Bill(payer_id=of, placed=date(2020, 1, 1), memo="m", line="tea") for of in (1, 1, 2)])
        session.commit()
        assert privacy.retention.run(engine).rows == 3
        assert privacy.retention.run(engine).rows == 0
        assert {(bill.memo, bill.line, bill.total) for bill in session.scalars(select(Bill))} == {(None, "", 10)}
    privacy.close()


@pytest.mark.parametrize("action", ["erasure", "retention"])
def test_what_takes_no_null_and_belongs_to_nobody_any_more_is_emptied_too(engine: Engine, action: str) -> None:
    policy = Policy(
        **as_sections(POLICY), erasure={"roles": ["clerk"]}, retention={"slips": BILLS | {"table": "slips"}}
    )
    privacy = Privacy(policy, keys=Keyring.generate(), log=None, metadata=Base.metadata)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="staff:1", reason="asked for"), Session(engine) as session:
        session.add_all([Payer(name="Anna"), Payer(name="Bob")])
        session.flush()
        session.add_all([Slip(payer_id=of, placed=date(2020, 1, 1), line="tea") for of in (1, 1, 2)])
        session.commit()
        if action == "erasure":
            plan = privacy.erasure.plan(session, 1)
            session.rollback()
            privacy.erasure.run(engine, plan)
        else:
            assert privacy.retention.run(engine).rows == 3
        lines = [(slip.payer_id, slip.line) for slip in session.scalars(select(Slip).order_by(Slip.id))]
        session.rollback()
        privacy.retention.run(engine)
        assert privacy.retention.run(engine).rows == 0
    privacy.close()
    assert [payer for payer, _ in lines][:2] == [None, None]
    assert {line for _, line in lines[:2]} <= {"", ERASED}
