"""The databases of a test: one fresh, empty database for each test, on SQLite or PostgreSQL, sync or async."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args
from uuid import uuid4

from psycopg import Cursor
from psycopg.sql import SQL, Composed, Identifier
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

LEAVING_SECONDS: Final = 2


class _Janitor(DatabaseJanitor):
    """Makes a database by copying a template, and drops it; but one that nobody wrote to is as good as new, and becomes
    the next one made from the same template.

    The server's one connection serves for all of it: each new one costs as much as a database.
    """

    def __init__(self, server: Server, dbname: str, template: str | None = None) -> None:
        template = template or server.template_dbname
        super().__init__(user=server.user, host=server.host, port=server.port, dbname=dbname, template_dbname=template)
        self.server = server
        self._at_first: Any = None

    def init(self) -> None:
        spare = self.server.spare_databases[str(self.template_dbname)]
        if spare:
            self._renamed(spare.pop(), self.dbname)
        else:
            super().init()
        self._at_first = self._next_transaction()

    def drop(self) -> None:
        if not self._left() or self._next_transaction() != self._at_first:
            super().drop()
            return
        spare = f"spare_{uuid4().hex[:12]}"
        self._renamed(self.dbname, spare)
        self.server.spare_databases[str(self.template_dbname)].append(spare)

    def _next_transaction(self) -> Any:
        """Whoever writes, be it to a table, a sequence that was just copied, or the catalogue, takes such a number."""
        with self.cursor() as cursor:
            return cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").fetchone()

    def _left(self) -> bool:
        """Whether nobody is connected any more, once all were told to go."""
        deadline = time.monotonic() + LEAVING_SECONDS
        with self.cursor() as cursor:
            while True:
                self._terminate_connection(cursor, self.dbname)
                if not cursor.fetchall():
                    return True
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.001)

    def _renamed(self, old: str, new: str) -> None:
        with self.cursor() as cursor:
            cursor.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(old), Identifier(new)))

    @contextmanager
    def cursor(self, dbname: str | None = None) -> Iterator[Cursor]:
        with self.server.connection.cursor() as cursor:
            yield cursor

    def _build_create_database_sql(self) -> Composed:
        """By copying files: PostgreSQL 15's default logs every page, which is four times slower."""
        made = super()._build_create_database_sql()
        return made + SQL(" STRATEGY file_copy") if self.server.copies_files else made


@dataclass(frozen=True)
class Database:
    """One empty database. Every engine made here sees the same tables, sync or async.

    :param backend: which database it is, as in `engine.dialect.name`.
    :param url: its address, with the sync driver (sqlite3 or psycopg).
    """

    backend: Backend
    url: URL
    _janitor: _Janitor | None = field(default=None, repr=False)
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
        key = (name, self._janitor.server if self._janitor else None)
        kept = _filled.get(key)
        if kept is None:
            fill(self)
            for engine in self._engines:
                engine.dispose()  # nobody may be connected to what is copied
            _filled[key] = self._kept(name)
        elif self._janitor is None:
            Path(str(self.url.database)).write_bytes(kept)
        else:
            self._janitor.drop()
            self._janitor.template_dbname = kept
            self._janitor.init()

    def _kept(self, name: str) -> Any:
        if self._janitor is None:
            return Path(str(self.url.database)).read_bytes()
        kept = f"filled_{name}"
        _Janitor(self._janitor.server, kept, self._janitor.dbname).init()
        return kept

    def dispose(self) -> None:
        """Close the connections of all sync engines made here."""
        while self._engines:
            self._engines.pop().dispose()

    async def dispose_async(self) -> None:
        """Close the connections of all async engines made here; to be awaited in the loop they were used in."""
        while self._async_engines:
            await self._async_engines.pop().dispose()


_filled: Final[dict[tuple[str, Server | None], Any]] = {}


@contextmanager
def sqlite_database(directory: Path) -> Iterator[Database]:
    """Make a SQLite database in a file, so that sync and async engines and several connections share it."""
    database = Database("sqlite", URL.create("sqlite", database=str(directory / "test.db")))
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def postgresql_database(server: Server) -> Iterator[Database]:
    """A database of the server's, taken away afterwards, whoever may still be connected."""
    janitor = _Janitor(server, f"test_{uuid4().hex[:12]}")
    query = {"host": server.host, "port": str(server.port)}
    url = URL.create("postgresql+psycopg", username=server.user, database=janitor.dbname, query=query)
    with janitor:
        database = Database("postgresql", url, janitor)
        try:
            yield database
        finally:
            database.dispose()
