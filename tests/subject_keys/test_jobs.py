"""Jobs: wrapping people's keys anew, sealing under people's keys what is under the keyring's, and counting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from sa_privacy import ERASED, Keyring, PolicyError, Privacy
from sa_privacy.cli.app import app
from sa_privacy.cli.census import take_census
from sa_privacy.columns.subject_keys import SUBJECT_KEYS
from sa_privacy.crypto import key_name
from sa_privacy.crypto.subject_cell import key_id_of
from sa_privacy.errors import KeyUnavailable
from sa_privacy.jobs import examine, reseal, rewrap, seal
from sa_privacy.jobs.rewrap import count_wrapped
from sa_privacy.policy.writing import as_sections, as_toml
from tests.subject_keys.world import NOTES, Note, Person, Rows, clerk, key_ids
from tests.support.command import CliRunner


@pytest.fixture
def own(make_engine: Callable[..., Engine], rows: Rows) -> Engine:
    """The job's engine, which nobody protects."""
    return make_engine()


@pytest.fixture
def maintained(privacy: Privacy) -> Iterator[Privacy]:
    """The policy, while an engineer is at work."""
    with privacy.access(maintenance=True, role="engineer", actor="staff:9", reason="rotation"):
        yield privacy


def test_keys_of_people_follow_a_rotation(
    office: Engine, own: Engine, maintained: Privacy, ring: Keyring, rows: Rows
) -> None:
    """After the job nothing needs the old key but the log; destroyed keys stay destroyed; cells stay as they are."""
    rows.destroy(2)
    old = ring.primary_id
    new = ring.rotate()
    before = key_ids(rows.plain)
    assert rewrap(own, maintained, dry_run=True).to_do == 2
    done = rewrap(own, maintained, batch=1)
    assert (done.to_do, done.changed) == (2, 2)
    assert rewrap(own, maintained).to_do == 0
    with own.connect() as connection:
        assert count_wrapped(connection) == {new: 2}
        assert take_census(connection, maintained.catalogue).by_field["keys of people", old] == 0
    assert key_ids(rows.plain) == before
    with clerk(maintained), Session(office) as session:
        assert session.scalars(select(Person.name).order_by(Person.id)).all() == ["Anna", ERASED, "Cara"]


def test_a_key_that_wraps_keys_of_people_is_counted(
    own: Engine, maintained: Privacy, ring: Keyring, rows: Rows
) -> None:
    """`keys retire` and `keys status` ask this."""
    with own.connect() as connection:
        census = take_census(connection, maintained.catalogue)
    assert census.by_field["keys of people", ring.primary_id] == 3
    assert census.by_key[ring.primary_id] == 3 + 2  # and the notes' kind, which is under the keyring's key
    assert not census.unsealed


def test_cells_of_the_keyring_become_those_of_people(
    office: Engine, own: Engine, maintained: Privacy, ring: Keyring, rows: Rows
) -> None:
    """A column that gets key="subject" is read at once, and a job moves what is there. With and without lookup slots."""
    slots = ring.digests("people.email").slots(b"anna@example.org")
    rows.run(
        "UPDATE people SET name = :name, email = :email WHERE id = 1",
        name=ring.sealer("people.name").seal(b"Anna"),
        email=ring.sealer("people.email", slots=True).seal(b"Anna@Example.org", slots),
    )
    rows.run("UPDATE notes SET subject = :cell WHERE id = 2", cell=ring.sealer("notes.subject").seal(b"second"))
    rows.destroy(2)
    columns = ["people.name", "people.email", "notes.subject"]
    dry = reseal(own, maintained, columns, dry_run=True)
    assert [column.keys["of the keyring"] for report in dry for column in report.counted.columns] == [1, 1, 1]
    people, notes = reseal(own, maintained, columns, batch=2)
    assert people.tally is not None
    assert (people.tally.values, people.complete) == (2, True)
    assert notes.tally is not None
    assert notes.tally.rejected == {"notes.subject": 1}  # of who was erased: nothing more is sealed
    assert reseal(own, maintained, ["people.name", "people.email"])[0].tally.values == 0  # type: ignore[union-attr]
    assert key_ids(rows.plain)[1] == {rows.keys[1].id}
    with clerk(maintained), Session(office) as session:
        anna = session.scalars(select(Person).where(Person.email == "anna@example.org")).one()
        assert (anna.name, anna.email) == ("Anna", "Anna@Example.org")
        assert session.get_one(Note, 2).subject == "second"


def test_slots_follow_a_new_lookup_key(own: Engine, maintained: Privacy, ring: Keyring, rows: Rows) -> None:
    """As under the keyring's own keys."""
    ring.rotate_lookup()
    [report] = reseal(own, maintained, ["people.email"])
    assert report.tally is not None
    assert report.tally.values == 2
    with own.connect() as connection:
        cell = connection.scalar(text("SELECT email FROM people WHERE id = 1"))
    assert key_id_of(cell) == rows.keys[1].id
    assert any(bytes(cell)[26:46])


def test_a_key_without_its_wrapping_key_stops_the_job(own: Engine, maintained: Privacy, rows: Rows) -> None:
    """Nothing is lost by the wrong keyring."""
    strange = Privacy(maintained.policy, keys=Keyring.generate(), log=None, metadata=Person.metadata)
    with (
        strange.access(maintenance=True, role="engineer", actor="staff:9", reason="x"),
        pytest.raises(KeyUnavailable),
    ):
        rewrap(own, strange)
    strange.close()


def test_what_a_job_cannot_do_it_says(own: Engine, maintained: Privacy) -> None:
    """Plain values are sealed under the keyring first."""
    with pytest.raises(PolicyError, match=r"notes\.subject") as raised:
        seal(own, maintained, ["notes.subject"])
    assert "reseal" in str(raised.value)


def test_the_doctor_misses_the_table_of_keys(own: Engine, rows: Rows) -> None:
    """A column under people's keys works with it alone."""
    with own.connect() as connection:
        assert not [one for one in examine(connection, NOTES, NOTES.c.subject) if one.kind == "keys of people"]
    SUBJECT_KEYS.drop(rows.plain)
    with own.connect() as connection:
        found = examine(connection, NOTES, NOTES.c.subject)
        assert not [one for one in examine(connection, NOTES, NOTES.c.kind) if one.kind == "keys of people"]
    assert [one.way_out for one in found if one.forbids] == [
        "Make the table of people's keys: sa-privacy tables upgrade."
    ]


def test_the_commands(
    own: Engine, privacy: Privacy, ring: Keyring, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`keys retire` refuses a key that still wraps keys of people; `reseal --subject-keys` wraps them anew."""
    monkeypatch.chdir(tmp_path)
    Path("privacy.toml").write_text(as_toml(as_sections(privacy.policy)), encoding="utf-8")
    first, second = ring.primary_id, ring.rotate()
    ring.rotate()
    ring.save("keys.json")
    rows.run("UPDATE notes SET kind = NULL")
    url = own.url.render_as_string(hide_password=False)
    there = ["--url", url, "--models", "tests.subject_keys.world:Base"]
    with own.begin() as connection:  # the second key wraps one
        middle = Keyring.load("keys.json")
        middle.promote(second)
        wrapped = middle.subject_keys().wrap(rows.keys[3])
        connection.execute(update(SUBJECT_KEYS).where(SUBJECT_KEYS.c.id == rows.keys[3].id).values(wrapped=wrapped))
    refused = CliRunner().invoke(app, ["keys", "retire", "keys.json", key_name(second), *there])
    assert refused.exit_code == 2
    assert "1 keys of people are wrapped" in refused.output
    done = CliRunner().invoke(app, ["reseal", "--subject-keys", "--no-log", "--role", "engineer", *there])
    assert done.exit_code == 0, done.output
    assert "3 of 3 keys of people wrapped anew" in done.output
    assert CliRunner().invoke(app, ["keys", "retire", "keys.json", key_name(second), *there]).exit_code == 0
    with own.connect() as connection:
        assert first not in count_wrapped(connection)
