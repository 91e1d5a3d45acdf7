"""Behind a wall, who may read a column under people's keys gets the keys along, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.orm import Session

from sa_privacy import ERASED, Privacy
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.walls import Login, plan_wall, shapes_of
from sa_privacy.walls.postgresql import apply_wall, inspect_wall
from tests.subject_keys.world import POLICY, Base, Note, Person, Rows, clerk, key_ids, make_room
from tests.support.databases import Database
from tests.walls.owner import dropped

LOGIN = "people_web"
REFUSED = r"prohibited|not authorized|permission denied"
KEYS = "SELECT wrapped FROM sa_privacy_subject_keys"


def shapes() -> Any:
    own = [shape for shape in shapes_of([SUBJECT_KEYS.metadata]) if shape.table == SUBJECT_KEYS.name]
    return (*shapes_of([Base.metadata]), *own)


@pytest.fixture
def walled(database: Database, privacy: Privacy, rows: Rows) -> Iterator[Engine]:
    url = database.url
    if database.backend == "postgresql":
        with rows.plain.begin() as connection:
            found = inspect_wall(connection, POLICY, privacy.catalogue, shapes(), logins=[Login(LOGIN)])
            apply_wall(connection, found)
        url = url.set(username=LOGIN)
    engine = create_engine(url)
    privacy.install(engine, walls=True)
    yield engine
    engine.dispose()
    if database.backend == "postgresql":
        dropped(rows.plain)


def raw(engine: Engine, sql: str) -> list[Any]:
    """Past the gate, on the DBAPI connection itself."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(sql)
        return list(cursor.fetchall())
    finally:
        connection.close()


def test_it_is_read_behind_a_wall(walled: Engine, privacy: Privacy, rows: Rows) -> None:
    with clerk(privacy), Session(walled) as session:
        found = [
            (p.name, p.email, [n.subject for n in p.notes]) for p in session.scalars(select(Person).order_by(Person.id))
        ]
        assert found == [
            ("Anna", "Anna@Example.org", ["first"]),
            ("Bob", "bob@example.org", ["second"]),
            ("Cara", None, []),
        ]
        assert session.scalars(select(Person.name).where(Person.email == "BOB@example.org")).one() == "Bob"
    rows.destroy(1)
    with clerk(privacy, "mailing"), Session(walled) as session:
        assert session.get_one(Person, 1).name is ERASED
        assert session.scalars(select(Person.name).where(Person.id == 2)).one() == "Bob"


def test_who_may_not_read_it_gets_no_keys(walled: Engine, privacy: Privacy) -> None:
    with privacy.access("counting", role="clerk", actor="staff:1"), walled.connect() as connection:
        assert connection.scalars(select(Person.visits)).all() == [None] * 3
        connection.rollback()
        with pytest.raises(Exception, match=REFUSED):
            raw(walled, KEYS)
    with pytest.raises(Exception, match=REFUSED):
        raw(walled, KEYS)


def test_the_rest_of_the_key_table_is_shut_to_everybody(walled: Engine, privacy: Privacy) -> None:
    for sql in (
        "SELECT subject FROM sa_privacy_subject_keys",
        "SELECT count(*) FROM sa_privacy_subject_keys WHERE kind = 'person'",
        "UPDATE sa_privacy_subject_keys SET wrapped = NULL",
        "DELETE FROM sa_privacy_subject_keys",
        "INSERT INTO sa_privacy_subject_keys (id, kind) VALUES ('x', 'person')",
    ):
        with clerk(privacy), pytest.raises(Exception, match=REFUSED):
            raw(walled, sql)


@pytest.mark.backends("postgresql")
def test_the_plan_grants_two_columns_to_those_who_reach_such_a_column(privacy: Privacy) -> None:
    plan = plan_wall(POLICY, privacy.catalogue, shapes(), logins=[Login(LOGIN)])
    granted = {
        (right.grantee, right.privilege, right.column) for right in plan.rights if right.thing[1] == SUBJECT_KEYS.name
    }
    limited = {(who, what, column) for who, what, column in granted if column}
    assert limited == {
        (f"sap/people/{purpose}", "SELECT", column)
        for purpose in ("service", "mailing")
        for column in ("id", "wrapped")
    }
    assert {who for who, _, column in granted if not column} == {
        "sap/people+ledger",
        "sap/people+desk",
        "sap/people+maintenance",
    }


def test_notes_are_read_through_text_beside_columns(walled: Engine, privacy: Privacy) -> None:
    with clerk(privacy), Session(walled) as session:
        assert session.scalars(select(Note.subject).where(text("notes.id = 2"))).one() == "second"


def test_it_is_written_behind_a_wall(walled: Engine, privacy: Privacy, rows: Rows) -> None:
    """The library itself makes and looks up the keys, with rights that nobody else has."""
    make_room(rows.plain)
    with clerk(privacy), Session(walled) as session:
        session.add(Person(name="Dora", notes=[Note(subject="one", kind="k")]))
        session.get_one(Note, 1).subject = "changed"
        session.execute(insert(Note), [{"person_id": 2, "subject": "x"}, {"person_id": 3, "subject": "y"}])
        session.commit()
        assert session.get_one(Note, 1).subject == "changed"
        note = session.get_one(Note, 2)
        note.person_id, note.subject, note.wrapped = 3, "moved", "moved"
        session.commit()
    found = key_ids(rows.plain)
    assert found.unlinked == 0
    assert {one: found[one] for one in (1, 2, 3)} == {one: {rows.keys[one].id} for one in (1, 2, 3)}
    with clerk(privacy), pytest.raises(Exception, match=REFUSED):
        raw(walled, "SELECT subject FROM sa_privacy_subject_keys")
