"""The tombstone in objects: it is there as a value is, and never goes back into the database."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from sqlalchemy import Engine, insert, inspect, select, text, update
from sqlalchemy.orm import Session

from sa_privacy import ERASED, Keyring, Privacy, PrivacyError
from sa_privacy.columns.binding import bind_keys
from sa_privacy.columns.pending import PendingCell
from sa_privacy.columns.sealed import SealFailed
from tests.subject_keys.world import Note, Person, Rows, clerk

CELL = "SELECT name FROM people WHERE id = 1"


def stored(rows: Rows) -> bytes:
    with rows.plain.connect() as connection:
        return bytes(connection.scalar(text(CELL)))


@pytest.fixture
def anna(session: Session, rows: Rows) -> Person:
    rows.destroy(1)
    return session.get_one(Person, 1)


def test_another_change_leaves_the_cells_alone(session: Session, rows: Rows, anna: Person) -> None:
    before = stored(rows)
    assert anna.name is ERASED
    anna.tier = "gold"
    anna.name = anna.name
    session.commit()
    assert stored(rows) == before
    assert (anna.tier, anna.name, anna.email) == ("gold", ERASED, ERASED)


def test_it_is_handed_on_by_merge_and_pickle_and_writes_nothing(
    office: Engine, session: Session, rows: Rows, anna: Person
) -> None:
    before = stored(rows)
    assert anna.born is ERASED
    session.expunge(anna)
    copied = pickle.loads(pickle.dumps(anna))
    with Session(office) as other:
        merged = other.merge(copied)
        assert merged.name is ERASED
        other.commit()
    assert stored(rows) == before


def write(way: str, session: Session, erased: Any) -> None:
    if way == "assigned":
        session.get_one(Person, 2).name = erased
    elif way == "new row":
        session.add(Note(id=9, person_id=2, subject=erased))
    elif way == "core":
        session.execute(update(Person).where(Person.id == 1).values(name=erased))
    else:
        session.execute(select(Person.id).where(Person.email == erased))
    session.flush()


@pytest.mark.parametrize("way", ["assigned", "new row", "core", "looked up"])
def test_it_cannot_be_stored_or_looked_for(way: str, session: Session, rows: Rows, anna: Person) -> None:
    before = stored(rows)
    with pytest.raises(SealFailed, match="erased value") as caught:
        write(way, session, anna.name)
    assert "Anna" not in str(caught.value)
    session.rollback()
    assert stored(rows) == before


def test_it_is_read_anew_once_the_key_is_gone(session: Session, rows: Rows) -> None:
    anna = session.get_one(Person, 1)
    assert [anna.name] == ["Anna"]
    rows.destroy(1)
    session.refresh(anna)
    assert anna.name is ERASED
    session.expire(anna)
    assert (anna.name, anna.email) == (ERASED, ERASED)


def test_who_may_not_read_the_value_may_not_read_the_tombstone(
    office: Engine, privacy: Privacy, session: Session, anna: Person
) -> None:
    assert anna.email is ERASED
    with privacy.access("mailing", role="clerk", actor="staff:1", withheld="none"):
        assert anna.name is ERASED
        assert anna.email is None
    with clerk(privacy, "mailing"), pytest.raises(PrivacyError):
        anna.email  # noqa: B018 - reading is the point


def test_nothing_of_it_is_marked_as_changed(session: Session, anna: Person) -> None:
    assert anna.name is ERASED
    assert not session.is_modified(anna)
    assert "ERASED" in repr(inspect(anna).dict)


class TestPendingCells:
    """What the type makes of a value, before anybody knows whose it is."""

    def test_one_that_nobody_finished_does_not_reach_the_database(self, rows: Rows, ring: Keyring) -> None:
        bind_keys(rows.plain.dialect, ring)
        statement = insert(Note).values(id=9, person_id=1, subject="secret words")
        with (
            pytest.raises(Exception, match=r"(?i)PendingCell|not supported|adapt") as caught,
            rows.plain.begin() as connection,
        ):
            connection.execute(statement)
        assert "secret words" not in str(caught.value.__cause__)
        with rows.plain.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM notes")) == 2

    def test_without_keys_none_is_made(self, rows: Rows) -> None:
        with pytest.raises(PrivacyError, match="cannot be written"), rows.plain.begin() as connection:
            connection.execute(insert(Note).values(id=9, person_id=1, subject="secret words"))

    def test_it_shows_nothing_and_becomes_the_cell(self, ring: Keyring, rows: Rows, session: Session) -> None:
        bound: Any = Person.__table__.c.email.type.bind_processor(session.get_bind().dialect)
        pending = bound("x@example.org")
        assert type(pending) is PendingCell
        assert repr(pending) == "<PendingCell of people.email>"
        cell = pending.sealed(rows.key(2))
        rows.run("UPDATE people SET email = :cell WHERE id = 2", cell=cell)
        assert session.scalars(select(Person.email).where(Person.email == "X@example.org")).one() == "x@example.org"
        assert bound(None) is None
        with pytest.raises(TypeError):
            pickle.dumps(pending)
