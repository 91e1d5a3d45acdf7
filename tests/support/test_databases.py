"""The fixtures themselves: what the other tests stand on."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.databases import Backend, Database, postgresql_database
from tests.support.postgres import PROGRAMS_VARIABLE, SETTINGS, Server, ServerFailed, find_programs, wheel_programs

NUMBERS = Table("numbers", MetaData(), Column("n", Integer, primary_key=True))


def fill(engine: Engine) -> None:
    NUMBERS.metadata.create_all(engine)  # fails if the table is there already
    with engine.begin() as connection:
        connection.execute(NUMBERS.insert(), [{"n": 1}, {"n": 2}])


@pytest.mark.parametrize("again", [False, True])
def test_every_test_starts_from_an_empty_database(engine: Engine, backend: Backend, *, again: bool) -> None:
    assert engine.dialect.name == backend
    assert inspect(engine).get_table_names() == [], f"left over from the run before (again={again})"
    fill(engine)


def test_engines_of_one_test_share_one_database(engine: Engine, make_engine: Callable[..., Engine]) -> None:
    fill(engine)
    with make_engine().connect() as connection:
        assert connection.scalars(select(NUMBERS.c.n).order_by(NUMBERS.c.n)).all() == [1, 2]


async def test_sync_and_async_engines_share_one_database(engine: Engine, async_engine: AsyncEngine) -> None:
    fill(engine)
    async with async_engine.connect() as connection:
        assert (await connection.scalars(select(NUMBERS.c.n).order_by(NUMBERS.c.n))).all() == [1, 2]


@pytest.mark.backends("postgresql")
def test_a_marked_test_runs_on_the_named_database_only(engine: Engine) -> None:
    assert engine.dialect.name == "postgresql"


@pytest.mark.backends("sqlite")
def test_a_driver_of_another_database_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="asyncpg is no driver of sqlite"):
        database.async_url("asyncpg")


def number_of(database: Database) -> Any:
    """What only this database of the server is called by, whatever its name."""
    with database.engine().connect() as connection:
        return connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))


def test_a_database_is_dropped_even_where_a_connection_stays_open(postgresql_server: Server) -> None:
    with postgresql_database(postgresql_server) as database:
        fill(database.engine())
        connection = database.engine().connect()
        connection.execute(text("SELECT 1"))
        number = number_of(database)
    connection.invalidate()
    assert postgresql_server.connection.execute("SELECT 1 FROM pg_database WHERE oid = %s", (number,)).fetchall() == []


def test_a_database_that_was_only_read_serves_again(postgresql_server: Server) -> None:
    with postgresql_database(postgresql_server) as database:
        database.fill("numbers", lambda empty: fill(empty.engine()))
    numbers = []
    for _ in range(2):
        with postgresql_database(postgresql_server) as database:
            database.fill("numbers", lambda empty: fill(empty.engine()))
            with database.engine().connect() as connection:
                assert connection.scalars(select(NUMBERS.c.n).order_by(NUMBERS.c.n)).all() == [1, 2]
            numbers.append(number_of(database))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO numbers VALUES (3)",
        "SELECT nextval('counted')",
        "SELECT * FROM numbers FOR UPDATE",
        "ALTER TABLE numbers ADD COLUMN m integer",
        "CREATE TEMPORARY TABLE passing (n integer)",
        "INSERT INTO numbers VALUES (1)",
    ],
)
@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK", ""])
def test_a_database_that_anything_was_written_to_does_not(postgresql_server: Server, sql: str, ends: str) -> None:
    def counted(empty: Database) -> None:
        with empty.engine().begin() as connection:
            connection.exec_driver_sql("CREATE TABLE numbers (n integer PRIMARY KEY)")
            connection.exec_driver_sql("INSERT INTO numbers VALUES (1), (2)")
            connection.exec_driver_sql("CREATE SEQUENCE counted")
            connection.exec_driver_sql("SELECT nextval('counted')")

    with postgresql_database(postgresql_server) as database:
        database.fill("counted", counted)
    with postgresql_database(postgresql_server) as database:
        database.fill("counted", counted)
        number = number_of(database)
        with closing(psycopg.connect(_dsn(database), autocommit=True)) as connection:
            connection.execute("BEGIN")
            with suppress(psycopg.errors.UniqueViolation):
                connection.execute(sql)
            if ends:
                connection.execute(ends)
            janitor = database._janitor
            assert janitor is not None
            janitor.drop()  # while the connection is open
        janitor.init()
        assert number_of(database) != number


def _dsn(database: Database) -> str:
    return database.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_the_server_of_the_wheel_comes_up_where_the_machine_has_none() -> None:
    with (
        Server(wheel_programs()) as server,
        psycopg.connect(host=server.host, user=server.user, dbname=server.dbname) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_programs_of_the_wheel_run_from_another_place(tmp_path: Path) -> None:
    copy = wheel_programs().copied_to(tmp_path)
    assert copy.bin.is_relative_to(tmp_path)
    assert b"PostgreSQL" in subprocess.run([copy.bin / "initdb", "--version"], capture_output=True, check=True).stdout


def test_the_server_never_runs_as_root(postgresql_server: Server) -> None:
    assert Path(postgresql_server.host).stat().st_uid != 0
    assert (Path(postgresql_server.host).stat().st_uid == os.geteuid()) == (os.geteuid() != 0)


def test_programs_that_are_not_there_are_an_error_and_not_a_skip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PROGRAMS_VARIABLE, str(tmp_path))
    with pytest.raises(ServerFailed, match=PROGRAMS_VARIABLE):
        find_programs()


def test_a_server_that_does_not_start_says_why_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETTINGS, "shared_buffers", "nonsense")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        parent = Path(name)
        parent.chmod(0o755)
        with pytest.raises(ServerFailed, match="nonsense"):
            Server(parent=parent).__enter__()
        assert list(parent.iterdir()) == []
