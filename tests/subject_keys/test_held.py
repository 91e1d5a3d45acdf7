"""A hold on rows keeps the key that opens them: without it they would be noise, as if they had been emptied."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, ForeignKey, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from sa_privacy import DataSubject, Keyring, Policy, Privacy, UnderHold, pii_column
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.policy.writing import as_sections
from tests.subject_keys.world import POLICY
from tests.support.databases import Database

LAPSED = {"table": "payers", "clock": "seen", "period": "P1Y", "action": "shred"}
HOLDING = Policy(**as_sections(POLICY), erasure={"roles": ["clerk"]}, retention={"payers": LAPSED})
KEYS = Keyring.generate()


class Base(DeclarativeBase):
    """Registry of these models."""


class Payer(Base):
    """A person."""

    __tablename__ = "payers"
    __data_subject__ = DataSubject("payer", key="id")

    id: Mapped[int] = mapped_column(primary_key=True)
    seen: Mapped[date] = mapped_column(default=date(2020, 1, 1))
    name: Mapped[str] = pii_column(category="name", key="subject")


class Bill(Base):
    """Of a person."""

    __tablename__ = "bills"
    __data_subject__ = DataSubject("payer", via="payer_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    payer_id: Mapped[int] = mapped_column(ForeignKey("payers.id"))


class Line(Base):
    """Two steps from the person."""

    __tablename__ = "lines"
    __data_subject__ = DataSubject("payer", via="bill_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    bill_id: Mapped[int] = mapped_column(ForeignKey("bills.id"))
    thing: Mapped[str] = pii_column(category="note", key="subject")


HELD: dict[str, dict[str, Any]] = {
    "row": {"row": (Line, 1)},
    "table": {"table": Line},
    "query": {"query": (Line, "id = 1 AND bill_id IN (SELECT id FROM bills)")},
    "the person's row": {"row": (Payer, 1)},
}


@pytest.fixture
def made(database: Database, engine: Engine) -> Iterator[Privacy]:
    """Two people; the keys of both are linked to nobody yet. Then each has a line of a bill."""
    database.fill("held keys", _fill)
    privacy = Privacy(HOLDING, keys=KEYS, log=None, metadata=Base.metadata)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="staff:1", reason="a case"):
        yield privacy
    privacy.close()


def _fill(database: Database) -> None:
    engine = database.engine()
    privacy = Privacy(HOLDING, keys=KEYS, log=None, metadata=Base.metadata)
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    privacy.install(engine)
    with privacy.access("service", role="clerk", actor="staff:1", reason="a case"):
        with engine.begin() as connection:
            connection.execute(insert(Payer), [{"name": "Anna"}, {"name": "Bob"}])  # which tells no numbers
            connection.execute(insert(Bill), [{"id": 1, "payer_id": 1}, {"id": 2, "payer_id": 2}])
        privacy.holds.guard(engine)
    privacy.close()


def line(engine: Engine, number: int) -> None:
    with Session(engine) as session:
        session.add(Line(id=number, bill_id=number, thing="tea"))
        session.commit()


def place(privacy: Privacy, engine: Engine, **what: Any) -> Any:
    with Session(engine) as session:
        hold = privacy.holds.place(session, case="A-1", reason="a suit", review_by=date(2099, 1, 1), **what)
        session.commit()
    return hold


@pytest.mark.parametrize("what", HELD.values(), ids=HELD)
def test_a_key_stays_that_opens_what_is_held(made: Privacy, engine: Engine, what: dict[str, Any]) -> None:
    line(engine, 1)
    hold = place(made, engine, **what)
    with Session(engine) as session:
        with pytest.raises(UnderHold) as caught:
            made.people_keys.destroy(session.connection(), "payer", 1)
        assert caught.value.case == "A-1"
        session.rollback()
        made.people_keys.destroy(session.connection(), "payer", 2)
        made.holds.release(session, hold, reason="over")
        session.commit()
        assert made.people_keys.destroy(session.connection(), "payer", 1) == 1


@pytest.mark.parametrize("what", [{"subject": 1}, {"row": (Payer, 1)}, {"table": Payer}, {"query": (Payer, "id = 1")}])
def test_a_key_that_is_linked_to_nobody_stays_too(
    database: Database, made: Privacy, engine: Engine, what: dict[str, Any]
) -> None:
    place(made, engine, **what)
    plain = database.engine()
    for sql in ("UPDATE sa_privacy_subject_keys SET wrapped = NULL", "DELETE FROM sa_privacy_subject_keys"):
        with pytest.raises(DBAPIError, match="hold"), plain.begin() as connection:
            connection.execute(text(sql))
    line(engine, 1)  # which links it
    with plain.connect() as connection:
        assert "1" in connection.scalars(select(SUBJECT_KEYS.c.subject)).all()
        with pytest.raises(DBAPIError, match="hold"):
            connection.execute(text("UPDATE sa_privacy_subject_keys SET subject = '7' WHERE subject = '1'"))


def test_retention_plans_with_it_and_destroys_the_other_keys(made: Privacy, engine: Engine) -> None:
    line(engine, 1)
    hold = place(made, engine, row=(Line, 1))
    with Session(engine) as session:
        due = made.retention.plan(session).due[0]
        session.rollback()
        assert (due.over, due.ends) == (2, 1)
        assert {(one.by, one.what, one.rows) for one in due.waiting} >= {("rows", "bills", 1)}
        assert made.retention.run(engine).rows == 1
        made.holds.release(session, hold, reason="over")
        session.commit()
        assert made.retention.run(engine).rows == 1
        due = made.retention.plan(session).due[0]
        assert (due.ends, due.waiting) == (0, ())
