"""The library's own desk works behind a wall, and what it works with is open to nobody else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from sa_privacy import Privacy, WallDown
from sa_privacy.customers.disclosure.tables import PROVIDED
from sa_privacy.walls import Login
from tests.support.databases import Database
from tests.walls import rows as world
from tests.walls.owner import dropped, raised
from tests.walls.rows import PEOPLE, Base, Person

POLICY = world.policy(
    {"post": {"use": ["name"]}, "calls": {"use": ["note"]}},
    recipients={
        "carrier": {
            "kind": "processor",
            "categories": ["name"],
            "purposes": ["post"],
            "contract": "C-1",
            "review_by": "2099-01-01",
        }
    },
)
LOGIN = "desk_web"
COUNT = "SELECT count(*) FROM sa_privacy_provided"
KEYS = "SELECT subject_key FROM sa_privacy_provided"
REFUSED = r"prohibited|not authorized|permission denied"
ROW = {"provision": "p1", "number": 1, "subject_kind": "person", "subject_key": "1", "categories": "name"}
NEW = f"INSERT INTO sa_privacy_provided ({', '.join(ROW)}) VALUES ('p2', 1, 'person', '1', 'name')"


@pytest.fixture
def privacy() -> Iterator[Privacy]:
    with closing(Privacy(POLICY, log=None, metadata=Base)) as made:
        yield made


@pytest.fixture
def owner(database: Database, privacy: Privacy) -> Iterator[Engine]:
    engine = database.engine()
    Base.metadata.create_all(engine)
    privacy.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(PEOPLE), {"id": 1, "name": "Ann", "note": "loud", "team": "red"})
    yield engine
    if database.backend == "postgresql":
        dropped(engine)


@pytest.fixture
def walled(database: Database, owner: Engine, privacy: Privacy) -> Iterator[Callable[..., Engine]]:
    """Makes the application's engine, of a zone."""
    made: list[Engine] = []

    def make(**zone: Any) -> Engine:
        url = database.url
        if database.backend == "postgresql":
            raised(owner, POLICY, privacy.catalogue, Base.metadata, [Login(LOGIN, **zone)])
            url = url.set(username=LOGIN)
        made.append(create_engine(url))
        privacy.install(made[-1], walls=True)
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def given_away(connection: Connection) -> int:
    return int(connection.exec_driver_sql(COUNT).scalar_one())


def test_the_desk_writes_its_own_tables_and_reads_what_it_says(
    walled: Callable[..., Engine], privacy: Privacy, owner: Engine
) -> None:
    with privacy.access("calls", role="clerk", actor="staff:1"), Session(walled()) as session:
        session.add(Person(id=2, note="quiet", team="blue"))
        with privacy._desk.open(session, subjects=[("person", 1)]) as connection:
            connection.execute(insert(PROVIDED), ROW)
            assert connection.execute(select(PROVIDED.c.subject_key)).scalars().all() == ["1"]
        with privacy._desk.open(session, reads={"name"}) as connection:
            assert connection.execute(select(PEOPLE.c.name)).scalars().all() == ["Ann", None]
        assert session.scalars(select(Person.note).order_by(Person.id)).all() == ["loud", "quiet"]
        session.commit()
    with owner.connect() as connection:
        assert given_away(connection) == 1


@pytest.mark.parametrize(
    "sql", [COUNT, KEYS, NEW, "UPDATE sa_privacy_provided SET number = 2", "DELETE FROM sa_privacy_provided"]
)
def test_nobody_else_gets_at_the_library_s_own_tables(
    sql: str, walled: Callable[..., Engine], privacy: Privacy
) -> None:
    engine = walled()
    refusals = (DBAPIError, sqlite3.DatabaseError, engine.dialect.loaded_dbapi.Error)
    with closing(engine.raw_connection()) as raw, pytest.raises(refusals, match=REFUSED):
        raw.cursor().execute(sql)
    with privacy.access("post", role="clerk"), engine.connect() as connection:
        connection.execute(select(PEOPLE.c.name))
        raw_cursor = connection.connection.cursor()  # as the role of the access
        with pytest.raises(refusals, match=REFUSED):
            raw_cursor.execute(sql)


def test_what_the_desk_opens_is_shut_when_it_closes(walled: Callable[..., Engine], privacy: Privacy) -> None:
    engine = walled()
    with privacy.access("post", role="clerk", actor="staff:1"), engine.connect() as connection:
        with privacy._desk.open(connection) as desk:
            desk.execute(select(PROVIDED.c.number)).all()
            cursor: Any = desk.connection.cursor()
            cursor.execute(COUNT)
            assert cursor.fetchone() == (0,)
        connection.execute(select(PEOPLE.c.name)).all()
        with pytest.raises(engine.dialect.loaded_dbapi.Error, match=REFUSED):
            connection.connection.cursor().execute(COUNT)


@pytest.mark.backends("sqlite")
def test_a_raw_cursor_on_sqlite_follows_the_desk_out(walled: Callable[..., Engine], privacy: Privacy) -> None:
    with privacy.access("post", role="clerk", actor="staff:1"), walled().connect() as connection:
        with privacy._desk.open(connection) as desk:
            desk.execute(select(PROVIDED.c.number)).all()
        with pytest.raises(sqlite3.DatabaseError, match=REFUSED):
            connection.connection.cursor().execute(COUNT)


ACTING = text("SELECT current_setting('role')")


@pytest.mark.backends("postgresql")
def test_the_desk_has_roles_of_its_own(walled: Callable[..., Engine], privacy: Privacy) -> None:
    with privacy.access("post", role="clerk", actor="staff:1"), walled().connect() as connection:
        for reads, writes, role in ((), (), "+ledger"), (("name",), (), "+desk"), ((), ("note",), "+desk"):
            with privacy._desk.open(connection, reads=reads, writes=writes) as desk:
                assert desk.execute(ACTING).scalar() == f"sap/rows{role}"
            assert connection.execute(ACTING).scalar() == "sap/rows/post"


@pytest.mark.backends("postgresql")
def test_people_s_data_at_the_desk_is_for_zones_that_have_one(walled: Callable[..., Engine], privacy: Privacy) -> None:
    engine = walled(roles=("clerk",))
    with privacy.access("post", role="clerk", actor="staff:1"), engine.connect() as connection:
        with privacy._desk.open(connection) as desk:
            assert given_away(desk) == 0
        with privacy._desk.open(connection, reads={"note"}) as desk, pytest.raises(WallDown) as down:
            desk.execute(select(PEOPLE.c.note))
        assert "+desk" in str(down.value.hint)
    engine = walled(roles=("clerk",), desk=True)
    clerk = privacy.access("post", role="clerk", actor="staff:1")
    with clerk, engine.connect() as connection, privacy._desk.open(connection, reads={"note"}) as desk:
        assert desk.execute(select(PEOPLE.c.note)).scalars().all() == ["loud"]
