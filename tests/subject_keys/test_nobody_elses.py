"""Whatever is written in whatever mixture: no cell of anybody is ever sealed under somebody else's key."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, func, insert, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from sa_privacy import ERASED, Keyring, PersonErased, Privacy
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.gate.people.people_keys import Owner
from tests.subject_keys.world import NOTES, Note, Person, Rows, clerk, key_ids, make_room
from tests.support.draws import draws

_PEOPLE = st.integers(1, 3)
_WORDS = st.sampled_from(["", "a", "bc"])
_NOTES = st.lists(st.tuples(_PEOPLE, _WORDS), min_size=1, max_size=6)
_BATCHES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["insert", "returning", "values", "flush", "core"]), _NOTES),
        st.tuples(st.sampled_from(["update", "flush update", "people"]), _NOTES),
        st.tuples(st.just("new people"), _NOTES),
    ),
    min_size=1,
    max_size=5,
)


def _do(session: Session, how: str, notes: list[tuple[int, str]]) -> None:
    rows = [{"person_id": person, "subject": words, "kind": "k"} for person, words in notes]
    there = session.execute(select(Note.id)).scalars().all()
    picked = [there[at % len(there)] for at, _ in enumerate(notes)]
    if how == "insert":
        session.execute(insert(Note), rows)
    elif how == "returning":
        session.scalars(insert(Note).returning(Note.id, sort_by_parameter_order=True), rows).all()
    elif how == "values":
        session.execute(insert(Note).values(rows))
    elif how == "core":
        session.connection().execute(insert(NOTES), rows)
    elif how == "flush":
        session.add_all(Note(**row) for row in rows)
        session.flush()
    elif how == "update":
        session.execute(update(Note), [{"id": key, "subject": w} for key, (_, w) in zip(picked, notes, strict=True)])
    elif how == "flush update":
        for key, (person, words) in zip(picked, notes, strict=True):
            note = session.get_one(Note, key)
            note.person_id, note.subject, note.wrapped = person, words, words
            flag_modified(note, "subject")
            flag_modified(note, "wrapped")
        session.flush()
    elif how == "people":
        session.execute(update(Person), [{"id": person, "name": words} for person, words in dict(notes).items()])
    else:
        session.add_all(Person(name=words, notes=[Note(subject=words, kind="k")]) for _, words in notes)
        session.flush()


@settings(max_examples=draws(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=_BATCHES, back=st.booleans())
def test_nothing_of_anybody_is_under_anothers_key(
    office: Engine, privacy: Privacy, rows: Rows, batches: list[tuple[str, Any]], back: bool
) -> None:
    """Each cell in the database is read without the library's help, and its key compared with the row's person."""
    make_room(rows.plain)
    with clerk(privacy), Session(office) as session:
        for how, notes in batches:
            _do(session, how, notes)
        session.rollback() if back else session.commit()
        read = session.execute(select(Person.id, Person.name, Note.subject).outerjoin(Note)).all()
        assert all(isinstance(name, str) for _, name, _ in read)  # and all of it opens
    for person, keys in key_ids(rows.plain).items():
        assert len(keys) == 1, person


_DIES = """
import os, signal, sys
from sqlalchemy import create_engine, event, insert
from sqlalchemy.orm import Session
from sa_privacy import Keyring, Privacy
from tests.subject_keys.world import POLICY, Base, Note, Person, clerk
engine = create_engine(sys.argv[1])
privacy = Privacy(POLICY, keys=Keyring.load(sys.argv[2]), log=None, metadata=Base.metadata)
privacy.install(engine)
with clerk(privacy), Session(engine) as session:
    session.execute(insert(Person), [{"id": 50, "name": "before"}])
    session.commit()
    session.execute(insert(Person), [{"id": 51, "name": "lost"}])
    session.add(Person(name="lost too", notes=[Note(subject="x", kind="k")]))
    session.flush()
    if sys.argv[3] == "commit":
        session.commit()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("when", ["before", "commit"])
def test_a_process_that_is_killed_leaves_nothing_unreadable(
    office: Engine, privacy: Privacy, rows: Rows, ring: Keyring, tmp_path: Any, when: str
) -> None:
    """Key and row are one transaction."""
    make_room(rows.plain)
    ring.save(tmp_path / "keys.json")
    url = rows.plain.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", _DIES, url, str(tmp_path / "keys.json"), when],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with clerk(privacy), Session(office) as session:
        names = session.scalars(select(Person.name).order_by(Person.id)).all()
        session.add(Person(name="after"))
        session.execute(insert(Note).values(person_id=50, subject="after", kind="k"))
        session.commit()
    assert sorted(map(str, names[3:])) == (["before"] if when == "before" else ["before", "lost", "lost too"])
    with rows.plain.connect() as connection:
        named = {key for keys in key_ids(rows.plain).values() for key in keys}
        kept = connection.scalar(select(func.count()).select_from(SUBJECT_KEYS))
    assert kept == len(named)  # no key is left of what was not committed


@pytest.mark.backends("postgresql")
def test_a_key_is_not_destroyed_under_who_writes(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """Who destroys waits for who has looked the key up; who looks it up after that is refused."""
    make_room(rows.plain)
    order: list[str] = []
    waits = threading.Event()

    def destroy() -> None:
        with clerk(privacy), office.begin() as connection:
            waits.set()
            privacy.people_keys.destroy(connection, "person", 1)
            order.append("destroyed")

    with clerk(privacy), Session(office) as session:
        session.execute(insert(Note).values(person_id=1, subject="last words", kind="k"))
        other = threading.Thread(target=destroy)
        other.start()
        assert waits.wait(10)
        other.join(0.5)
        assert other.is_alive()
        order.append("written")
        session.commit()
        other.join(10)
        assert order == ["written", "destroyed"]
        assert set(session.scalars(select(Note.subject).where(Note.person_id == 1))) == {ERASED}
        with pytest.raises(PersonErased):
            session.execute(insert(Note).values(person_id=1, subject="more", kind="k"))


@pytest.mark.backends("postgresql")
def test_keys_of_several_new_people_are_made_in_one_order(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """Of two who make keys for the same people one waits, and neither for the other."""
    first, second = Owner("person", "71"), Owner("person", "72")
    found: list[set[bytes]] = []
    begun = threading.Event()

    def backwards() -> None:
        with clerk(privacy), office.begin() as connection:
            begun.set()
            made = privacy.people_keys.of(connection, {second: 72, first: 71})
            found.append({key.id for key in made.values()})

    other = threading.Thread(target=backwards)
    with clerk(privacy), office.begin() as connection:
        one = privacy.people_keys.of(connection, {first: 71})[first]
        other.start()
        assert begun.wait(10)
        other.join(0.5)
        assert other.is_alive()
        both = {one.id, privacy.people_keys.of(connection, {second: 72})[second].id}
    other.join(20)
    assert found == [both]


@pytest.mark.backends("sqlite")
def test_on_sqlite_a_key_is_locked_before_it_is_looked_up(office: Engine, privacy: Privacy, rows: Rows) -> None:
    """So that nobody destroys it between the look-up and the statement."""
    tried: list[str] = []

    def destroy(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT sa_privacy_subject_keys"):
            with rows.plain.connect() as connection:
                connection.execute(text("PRAGMA busy_timeout = 50"))
                with pytest.raises(OperationalError, match="locked"):
                    connection.execute(text("UPDATE sa_privacy_subject_keys SET wrapped = NULL"))
            tried.append(statement)

    event.listen(office, "after_cursor_execute", destroy)
    with clerk(privacy), Session(office) as session:
        session.execute(insert(Note).values(person_id=1, subject="x", kind="k"))
        session.commit()
    assert tried
