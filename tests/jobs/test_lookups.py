"""Searchable columns: a job writes their digests, follows a rotation of the lookup key, and meets what is there twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, select, text

from sa_privacy import Encrypted, Keyring, KeyUnavailable, PolicyError
from sa_privacy.crypto.cell import is_cell
from sa_privacy.jobs import reseal, seal, unseal
from sa_privacy.jobs.batch import working_on
from tests.jobs.world import maintaining, raw

NAMES = ["ann@example.org", "Bob@Example.org", "été@example.org", None, *(f"p{n}@example.org" for n in range(20))]
ROWS: list[dict[str, Any]] = [{"id": n, "email": email} for n, email in enumerate(NAMES)]
PEOPLE = Table(
    "people",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("email", Encrypted(String(320), category="email", lookup="casefold"), unique=True),
)
#: The same, before its model said lookup=.
SLOTLESS = Table(
    "people",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("email", Encrypted(String(320), category="email")),
)
COLUMN = ["people.email"]


@pytest.fixture(autouse=True)
def _plain_rows(engine: Engine) -> None:
    """As an earlier release left them."""
    old = Table("people", MetaData(), Column("id", Integer, primary_key=True), Column("email", String(320)))
    old.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(old.insert(), ROWS)


@pytest.fixture
def find(make_engine: Callable[..., Engine]) -> Callable[..., list[int]]:
    """Looks somebody up, in an application of its own."""

    def looked_up(privacy: Any, email: str) -> list[int]:
        engine = make_engine()
        privacy.install(engine)
        try:
            with engine.connect() as connection:
                return list(connection.scalars(select(PEOPLE.c.id).where(PEOPLE.c.email == email)))
        finally:
            privacy.uninstall(engine)

    return looked_up


def test_what_was_sealed_is_found(engine: Engine, find: Callable[..., list[int]]) -> None:
    with maintaining(metadata=PEOPLE.metadata) as privacy:
        [report] = seal(engine, privacy, COLUMN, batch=5)
        assert report.complete
        assert find(privacy, "BOB@example.org") == [1]
        assert find(privacy, "ÉTÉ@EXAMPLE.ORG") == [2]
        assert find(privacy, "nobody@example.org") == []


def test_a_lookup_key_is_rotated_without_a_gap(engine: Engine, find: Callable[..., list[int]]) -> None:
    keys = Keyring.generate()
    with maintaining(keys, metadata=PEOPLE.metadata) as privacy:
        seal(engine, privacy, COLUMN)
        for step in (keys.rotate_lookup, keys.switch_lookup, keys.end_lookup) * 2:  # each slot is freed, and used again
            if step.__name__ == "switch_lookup":
                [report] = reseal(engine, privacy, COLUMN, batch=5)
                assert report.tally is not None
                assert (report.tally.changed, report.complete) == (len(ROWS) - 1, True)
                [again] = reseal(engine, privacy, COLUMN)
                assert again.tally is not None
                assert again.tally.changed == 0
            step()
            assert find(privacy, "bob@example.org") == [1]
        if step.__name__ == "end_lookup":
            reseal(engine, privacy, COLUMN)
        assert find(privacy, "bob@example.org") == [1]


def test_what_is_there_twice_is_left_and_told(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    """A process of the old release wrote after the lookup indexes were made."""
    with maintaining(metadata=PEOPLE.metadata) as privacy:
        seal(engine, privacy, COLUMN)
        form = "convert_to('{0}', 'UTF8')" if engine.dialect.name == "postgresql" else "'{0}'"
        with make_engine().begin() as connection:
            connection.exec_driver_sql(f"INSERT INTO people VALUES (98, {form.format('ANN@example.org')})")
        [report] = seal(engine, privacy, COLUMN)
        assert report.tally is not None
        assert (report.complete, report.tally.changed, report.tally.remaining) == (False, 0, 1)
        assert report.tally.refused == {"people.email": 1}
        assert [key for key, email in raw(engine, "id, email", "people") if email and not is_cell(email)] == [98]
        with make_engine().begin() as connection:
            connection.exec_driver_sql("DELETE FROM people WHERE id = 98")
        [report] = seal(engine, privacy, COLUMN)
        assert report.complete


def test_cells_without_slots_get_them(engine: Engine, find: Callable[..., list[int]]) -> None:
    """The column was sealed before its model said lookup=."""
    keys = Keyring.generate()
    with maintaining(keys, metadata=SLOTLESS.metadata) as privacy:
        seal(engine, privacy, COLUMN)
    with maintaining(keys, metadata=PEOPLE.metadata) as privacy:
        assert find(privacy, "bob@example.org") == []
        [report] = reseal(engine, privacy, COLUMN)
        assert report.complete
        assert find(privacy, "bob@example.org") == [1]


def test_a_column_that_gets_a_lookup_later_is_work_for_seal(engine: Engine, find: Callable[..., list[int]]) -> None:
    """Cells without slots are found by nobody, so a dry run must not say that nothing is left."""
    keys = Keyring.generate()
    with maintaining(keys, metadata=SLOTLESS.metadata) as privacy:
        seal(engine, privacy, COLUMN)
    with maintaining(keys, metadata=PEOPLE.metadata) as privacy:
        [report] = seal(engine, privacy, COLUMN, dry_run=True)
        assert report.counted.to_do == len(ROWS) - 1
        [report] = seal(engine, privacy, COLUMN)
        assert report.complete
        assert find(privacy, "bob@example.org") == [1]
        [report] = seal(engine, privacy, COLUMN, dry_run=True)
        assert report.counted.to_do == 0


def test_two_jobs_on_one_engine_are_refused(engine: Engine) -> None:
    with (
        maintaining(metadata=PEOPLE.metadata) as privacy,
        working_on(engine, Keyring.generate()),
        pytest.raises(PolicyError, match="another job"),
    ):
        seal(engine, privacy, COLUMN)
    with maintaining(metadata=PEOPLE.metadata) as privacy:
        assert all(report.complete for report in seal(engine, privacy, COLUMN))


def lookup_indexes_of(engine: Engine) -> dict[str, bool]:
    """The lookup indexes that the database has, and which are unique."""
    if engine.dialect.name == "sqlite":
        asked = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%substr(%'"
    else:
        asked = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'people' AND indexdef LIKE '%substr%'"
    with engine.connect() as connection:
        return {str(name): "UNIQUE" in sql for name, sql in connection.execute(text(asked))}


def test_the_job_makes_the_lookup_indexes_and_drops_them(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    """A table that is there already gets none from create_all(), and would silently be unique no more."""
    with maintaining(metadata=PEOPLE.metadata) as privacy:
        seal(engine, privacy, COLUMN)
        assert lookup_indexes_of(make_engine()) == {
            "ix_people_email_lookup": True,
            "ix_people_email_lookup_2": True,
        }
        seal(engine, privacy, COLUMN)
        [report] = unseal(engine, privacy, COLUMN)
        assert report.complete
    assert lookup_indexes_of(make_engine()) == {}
    assert [email for _, email in raw(engine, "id, email", "people")] == NAMES


def test_an_index_of_the_same_name_is_in_the_way(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE INDEX ix_people_email_lookup ON people (email)")
    with maintaining(metadata=PEOPLE.metadata) as privacy, pytest.raises(PolicyError, match="ix_people_email_lookup"):
        seal(engine, privacy, COLUMN)
    assert [email for _, email in raw(engine, "id, email", "people")] == NAMES


def test_another_keyring_is_refused_before_it_seals_anything(engine: Engine) -> None:
    with maintaining(Keyring.generate(), metadata=PEOPLE.metadata) as privacy:
        seal(engine, privacy, COLUMN)
    before = raw(engine, "id, email", "people")
    with maintaining(Keyring.generate(), metadata=PEOPLE.metadata) as privacy:
        for job in (seal, reseal, unseal):
            with pytest.raises(KeyUnavailable, match=r"people\.email"):
                job(engine, privacy, COLUMN)
    assert raw(engine, "id, email", "people") == before
