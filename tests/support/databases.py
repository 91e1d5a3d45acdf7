"""The databases of a test: one fresh, empty database for each test, on SQLite or PostgreSQL, sync or async."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Composed
from pytest_postgresql.janitor import DatabaseJanitor
from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.support.postgres import Server

__all__ = ["ASYNC_DRIVERS", "BACKENDS", "AsyncDriver", "Backend", "Database", "postgresql_database", "sqlite_database"]

Backend = Literal["sqlite", "postgresql"]
AsyncDriver = Literal["aiosqlite", "asyncpg", "psycopg"]

BACKENDS: Final[tuple[Backend, ...]] = get_args(Backend)
ASYNC_DRIVERS: Final[tuple[tuple[Backend, AsyncDriver], ...]] = (
    ("sqlite", "aiosqlite"),
    ("postgresql", "asyncpg"),
    ("postgresql", "psycopg"),
)


@dataclass(frozen=True)
class Database:
    """One empty database. Every engine made here sees the same tables, sync or async.

    :param backend: which database it is, as in `engine.dialect.name`.
    :param url: its address, with the sync driver (sqlite3 or psycopg).
    """

    backend: Backend
    url: URL
    _engines: list[Engine] = field(default_factory=list, repr=False)
    _async_engines: list[AsyncEngine] = field(default_factory=list, repr=False)

    def async_url(self, driver: AsyncDriver) -> URL:
        """The address with an async driver of the same database.

        :raises ValueError: if the driver is for another one.
        """
        if (self.backend, driver) not in ASYNC_DRIVERS:
            raise ValueError(f"{driver} is no driver of {self.backend}")
        return self.url.set(drivername=f"{self.backend}+{driver}")

    def engine(self, **options: Any) -> Engine:
        """Make a sync engine; `options` go to `create_engine`. Disposed of when the test ends."""
        engine = create_engine(self.url, **options)
        self._engines.append(engine)
        return engine

    def async_engine(self, driver: AsyncDriver | None = None, **options: Any) -> AsyncEngine:
        """Make an async engine, with the first driver of `ASYNC_DRIVERS` that fits where none is named.

        `options` go to `create_async_engine`. Async engines are disposed of by the fixtures `async_engine` and `make_async_engine`, in the test's own loop;
        a test that calls this method itself awaits `dispose_async()`.
        """
        if driver is None:
            driver = dict(reversed(ASYNC_DRIVERS))[self.backend]
        engine = create_async_engine(self.async_url(driver), **options)
        self._async_engines.append(engine)
        return engine

    def fill(self, name: str, fill: Callable[[Database], None]) -> None:
        """Make this empty database what `fill` makes of one. That is done once in a process; then its result is copied.

        :param name: of what it makes.
        """
        key = (name, self.backend, str(self.url.query.get("host", "")))
        if key not in _filled:
            fill(self)
            for engine in self._engines:
                engine.dispose()  # nobody may be connected to what is copied
            _filled[key] = self._kept(name)
        else:
            self._replace(_filled[key])

    def _kept(self, name: str) -> bytes | str:
        if self.backend == "sqlite":
            return Path(str(self.url.database)).read_bytes()
        kept = f"filled_{name}"
        _at_server(self.url, f'CREATE DATABASE "{kept}" TEMPLATE "{self.url.database}"')
        return kept

    def _replace(self, kept: bytes | str) -> None:
        if isinstance(kept, bytes):
            Path(str(self.url.database)).write_bytes(kept)
        else:
            name = self.url.database
            _at_server(self.url, f'DROP DATABASE "{name}"', f'CREATE DATABASE "{name}" TEMPLATE "{kept}"')

    def dispose(self) -> None:
        """Close the connections of all sync engines made here."""
        while self._engines:
            self._engines.pop().dispose()

    async def dispose_async(self) -> None:
        """Close the connections of all async engines made here; to be awaited in the loop they were used in."""
        while self._async_engines:
            await self._async_engines.pop().dispose()


_filled: Final[dict[tuple[str, Backend, str], bytes | str]] = {}


def _at_server(url: URL, *statements: str) -> None:
    said = {"host": url.query["host"], "port": url.query["port"], "user": url.username, "dbname": "postgres"}
    with closing(psycopg.connect(**said, autocommit=True)) as connection:  # type: ignore[arg-type]
        copies = " STRATEGY file_copy" if connection.info.server_version >= 150000 else ""
        for statement in statements:
            connection.execute(statement + copies * statement.startswith("CREATE"))


@contextmanager
def sqlite_database(directory: Path) -> Iterator[Database]:
    """Make a SQLite database in a file, so that sync and async engines and several connections share it."""
    database = Database("sqlite", URL.create("sqlite", database=str(directory / "test.db")))
    try:
        yield database
    finally:
        database.dispose()


class _Janitor(DatabaseJanitor):
    """Makes databases by copying files: PostgreSQL 15's default logs every page, which is four times slower."""

    def _build_create_database_sql(self) -> Composed:
        return super()._build_create_database_sql() + SQL(" STRATEGY file_copy")


@contextmanager
def postgresql_database(server: Server) -> Iterator[Database]:
    """Create a database on the server, and drop it afterwards, whoever may still be connected."""
    name = f"test_{uuid4().hex[:12]}"
    janitor = (_Janitor if server.copies_files else DatabaseJanitor)(
        user=server.user, host=server.host, port=server.port, dbname=name, template_dbname=server.template_dbname
    )
    url = URL.create(
        "postgresql+psycopg", username=server.user, database=name, query={"host": server.host, "port": str(server.port)}
    )
    with janitor:
        database = Database("postgresql", url)
        try:
            yield database
        finally:
            database.dispose()
