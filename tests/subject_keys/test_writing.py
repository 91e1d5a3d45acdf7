"""What is written of a person is sealed under that person's key, on every path, or it is not written."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, delete, event, insert, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from sa_privacy import ERASED, PersonErased, Privacy
from sa_privacy.errors import AccessDenied, SealedColumn
from tests.subject_keys.world import NOTES, Note, Person, Rows, clerk, key_ids, make_room


@pytest.fixture(autouse=True)
def _room(rows: Rows) -> None:
    make_room(rows.plain)


def _note(person: int, words: str = "said", **more: Any) -> dict[str, Any]:
    return {"person_id": person, "subject": words, "wrapped": words, "kind": "kind", **more}


def test_a_flush_makes_keys_of_new_people_whose_number_the_database_chooses(
    office: Engine, privacy: Privacy, rows: Rows
) -> None:
    """Parents and children in one flush: one key each, linked to the numbers that came back."""
    with clerk(privacy), Session(office) as session:
        dora = Person(name="Dora", email="d@x.org", notes=[Note(subject="one", wrapped="w", kind="k")])
        emil = Person(name="Emil", notes=[Note(subject="two", wrapped="w", kind="k"), Note(subject="three", kind="k")])
        session.add_all([dora, emil])
        session.commit()
        assert [dora.name, emil.name, *(note.subject for note in emil.notes)] == ["Dora", "Emil", "two", "three"]
        ids = {dora.id, emil.id}
    found = key_ids(rows.plain)
    assert all(len(found[one]) == 1 for one in ids)
    assert found.unlinked == 0


def test_one_person_alone_is_linked_at_once(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """Without a batch, the number comes back another way."""
    with clerk(privacy), Session(office) as session:
        session.add(Person(name="Dora"))
        session.commit()
    assert key_ids(rows.plain).unlinked == 0


def test_changed_values_stay_under_the_same_key(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """An UPDATE of a flush asks the database whose row it is."""
    with clerk(privacy), Session(office) as session:
        first = session.get_one(Note, 1)
        first.subject, first.person.name = "changed", "Anja"
        second = session.get_one(Note, 2)
        second.subject = "changed too"
        session.commit()
        assert (first.subject, first.person.name, second.subject) == ("changed", "Anja", "changed too")
    found = key_ids(rows.plain)
    assert found[1] == {rows.keys[1].id}
    assert found[2] == {rows.keys[2].id}


def test_bulk_and_core_inserts_seal_each_row_for_its_person(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """Batches of mixed people: with and without RETURNING, as one VALUES, as text with typed parameters."""
    with clerk(privacy), Session(office) as session:
        session.execute(insert(Note), [_note(1), _note(2), _note(3)])
        session.scalars(insert(Note).returning(Note.id), [_note(3), _note(1)]).all()
        session.execute(insert(Note).values([_note(2), _note(1)]))
        session.bulk_insert_mappings(Note, [_note(2), _note(3)])
        session.connection().execute(insert(NOTES), _note(2))
        typed = text("INSERT INTO notes (person_id, subject) VALUES (:person, :words)").bindparams(
            bindparam("words", type_=NOTES.c.subject.type)
        )
        session.execute(typed, [{"person": 1, "words": "a"}, {"person": 3, "words": "b"}])
        session.commit()
    found = key_ids(rows.plain)
    assert {person: found[person] for person in (1, 2, 3)} == {one: {rows.keys[one].id} for one in (1, 2, 3)}


def test_bulk_updates_seal_each_row_for_its_person(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """By primary key, by the person, and by a list of rows of one person."""
    with clerk(privacy), Session(office) as session:
        session.execute(update(Note), [{"id": 1, "subject": "x"}, {"id": 2, "subject": "y"}])
        session.execute(update(Note).where(Note.person_id == 2).values(subject="z"))
        session.execute(update(Note).where(Note.id.in_([1])).values(wrapped="z"))
        session.execute(update(Note).where(Note.id == 77).values(wrapped="nobody's"))
        session.commit()
        assert session.get_one(Note, 2).subject == "z"
    found = key_ids(rows.plain)
    assert (found[1], found[2]) == ({rows.keys[1].id}, {rows.keys[2].id})


@pytest.mark.parametrize(
    "statement",
    [
        update(Note).where(Note.kind.is_not(None)).values(subject="x"),
        update(Note).where(Note.id.in_([1, 2])).values(subject="x"),
        insert(Note).values(subject="x", kind="k"),
    ],
    ids=["of anybody", "of two", "of nobody"],
)
def test_what_nobody_can_finish_is_refused_with_the_way_out(office: Engine, privacy: Privacy, statement: Any) -> None:
    """The error names the column, and says what to do."""
    with clerk(privacy), Session(office) as session, pytest.raises(SealedColumn) as raised:
        session.execute(statement, execution_options={"synchronize_session": False})
    assert "notes.subject" in str(raised.value)
    assert raised.value.hint


def test_an_upsert_that_may_change_a_row_of_another_is_refused(office: Engine, privacy: Privacy) -> None:
    """The row in the way may be another person's."""
    kind = postgresql.insert if office.dialect.name == "postgresql" else sqlite.insert
    made = kind(NOTES).values(id=1, **_note(2))
    changes = made.on_conflict_do_update(index_elements=["id"], set_={"subject": made.excluded.subject})
    with clerk(privacy), Session(office) as session:
        with pytest.raises(SealedColumn, match="another person"):
            session.execute(changes)
        session.rollback()
        session.execute(made.on_conflict_do_nothing())
        session.commit()


def test_core_says_whose_new_rows_are(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """Where the statement computes it; what contradicts the row is refused."""
    computed = text("INSERT INTO notes (person_id, subject) VALUES (1 + 1, :words)").bindparams(
        bindparam("words", type_=NOTES.c.subject.type)
    )
    with clerk(privacy), Session(office) as session:
        with pytest.raises(SealedColumn, match="for_subject"):
            session.execute(computed, {"words": "x"})
        session.rollback()
        with privacy.for_subject(2):
            session.execute(computed, {"words": "x"})
            with pytest.raises(SealedColumn, match="somebody else"):
                session.execute(insert(Note), [_note(1)])
        session.commit()
    assert key_ids(rows.plain)[2] == {rows.keys[2].id}


def test_a_row_that_changes_hands_takes_no_cells_along(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """Its columns are written in the same statement, or it stays whose it is."""
    with clerk(privacy), Session(office) as session:
        note = session.get_one(Note, 1)
        note.person_id = 2
        with pytest.raises(SealedColumn, match="would stay sealed under the key of who had the row"):
            session.commit()
        session.rollback()
        note.person_id, note.subject, note.wrapped = 2, "anew", "anew"
        session.commit()
        assert note.subject == "anew"
        session.execute(update(Note).where(Note.id == 2).values(person_id=2))  # whose it is anyway
        session.commit()
    assert key_ids(rows.plain)[2] == {rows.keys[2].id}


def test_nothing_is_written_for_who_was_erased(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """A key that was destroyed is not made again, whoever remembers it."""
    with clerk(privacy), Session(office) as session:
        session.get_one(Person, 1).name = "kept in mind"
        session.commit()
        rows.destroy(1)
        for write in (
            insert(Note).values(_note(1)),
            update(Person).where(Person.id == 1).values(name="x"),
            update(Note).where(Note.id == 1).values(subject="x"),
        ):
            with pytest.raises(PersonErased):
                session.execute(write, execution_options={"synchronize_session": False})
            session.rollback()
        session.execute(insert(Note).values(_note(2)))
        assert session.get_one(Person, 1).name is ERASED


def test_destroying_goes_with_the_transaction(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """Also for a person who has no key yet, and one whose key is not linked."""
    with clerk(privacy), Session(office) as session:
        connection = session.connection()
        assert privacy.people_keys.destroy(connection, "person", 1) == 1
        assert privacy.people_keys.destroy(connection, "person", 1) == 0
        session.rollback()
        assert session.get_one(Person, 1).name == "Anna"
        [new] = session.scalars(insert(Person).values(name="Dora").returning(Person.id)).all()
        session.commit()
        privacy.people_keys.destroy(session.connection(), "person", new)
        session.commit()
        assert session.get_one(Person, new).name is ERASED


def test_who_gets_the_number_of_an_erased_person_is_somebody_else(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """SQLite gives numbers away again."""
    with clerk(privacy), Session(office) as session:
        session.execute(delete(Note).where(Note.person_id == 3))
        privacy.people_keys.destroy(session.connection(), "person", 3)
        session.execute(delete(Person).where(Person.id == 3))
        session.commit()
        if office.dialect.name == "sqlite":
            new = Person(name="Zoe")
            session.add(new)
            session.commit()
            assert new.id == 3
            session.add(Note(**_note(3)))
            session.commit()
            assert (new.name, new.notes[0].subject) == ("Zoe", "said")


def test_a_denied_write_makes_no_key(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """The gate decides first."""
    with clerk(privacy, "counting"), Session(office) as session, pytest.raises(AccessDenied):
        session.execute(insert(Person).values(name="Dora"))
    assert key_ids(rows.plain).unlinked == 0


def test_many_people_are_looked_up_at_once(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """The number of statements does not grow with that of the people."""
    seen: list[str] = []
    event.listen(office, "before_cursor_execute", lambda *given: seen.append(given[2]))
    with clerk(privacy), Session(office) as session:
        session.execute(insert(Person), [{"id": 100 + n, "name": f"n{n}"} for n in range(50)])
        first, seen[:] = len(seen), []
        session.execute(insert(Note), [_note(100 + n) for n in range(50)])
        assert len(seen) <= 4
        assert first <= 8


async def test_async_sessions_write_the_same(async_engine: AsyncEngine, privacy: Privacy, rows: Rows) -> None:
    """The look-up runs on the connection of the statement."""
    privacy.install(async_engine)
    with clerk(privacy):
        async with AsyncSession(async_engine) as session:
            dora = Person(name="Dora", notes=[Note(subject="one", wrapped="w", kind="k")])
            session.add(dora)
            await session.commit()
            note = await session.get_one(Note, 1)
            note.subject = "changed"
            await session.commit()
            assert await session.run_sync(lambda _: note.subject) == "changed"
            assert (await session.scalars(insert(Person).values(name="Emil").returning(Person.id))).all()
            await session.commit()
    assert key_ids(rows.plain)[1] == {rows.keys[1].id}
