"""The database of a table, reached by an engine of its own."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import AssertionPool, SingletonThreadPool, StaticPool

from sa_privacy.errors import LogUnavailable

__all__ = ["CACHE", "engine_of", "missing_file", "out_of_reach", "said_of", "same_database", "same_file"]

_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_WAITING = ("asyncpg", "aiosqlite", "psycopg_async")
_BUSY = 2.0
CACHE = 32 * 1024
"""KiB of pages that a connection to SQLite may hold."""


def engine_of(place: str | URL | Engine) -> tuple[Engine, bool]:
    """An engine for a place, and whether it was made here, so is to be disposed of here.

    An async driver is replaced by the one that works without asyncio. A SQLite file that is not there yet is made for its
    owner alone.

    :raises LogUnavailable: the place is no database, its driver is missing, or its connections are not apart from each
        other, so that a rollback of the application would take the events along.
    """
    if isinstance(place, Engine):
        _must_be_apart(place)
        return place, False
    try:
        url = make_url(place)
        backend = url.get_backend_name()
        if url.drivername == backend or url.get_driver_name() in _WAITING:
            url = url.set(drivername=_DRIVERS.get(backend, url.drivername))
        if backend == "sqlite":
            _make_private(url)
            engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _BUSY})
            event.listen(engine, "connect", _widen)
        else:
            engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError):
        raise LogUnavailable(
            "The place of the access log is no database URL.", hint="write postgresql+psycopg://user@host/database."
        ) from None
    except ModuleNotFoundError as error:
        raise LogUnavailable(
            f"The driver of the access log's database is not installed: {error.name}.",
            hint='for PostgreSQL: pip install "sa-privacy[postgres]".',
        ) from error
    _must_be_apart(engine)
    _MADE.add(engine)
    return engine, True


_MADE: WeakSet[Engine] = WeakSet()


def _widen(connection: Any, _: object) -> None:
    """Indexes are written all over; the 2 MB that SQLite keeps in memory by itself are read again and again."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA cache_size = -{CACHE}")
    cursor.close()


def _must_be_apart(engine: Engine) -> None:
    if isinstance(engine.pool, StaticPool | SingletonThreadPool | AssertionPool):
        raise LogUnavailable(
            "The access log cannot be in a database that all of a thread share one connection to: a rollback would take "
            "its events along.",
            hint="name a file of its own for SQLite, or a server.",
        )


def missing_file(place: str | URL) -> Path | None:
    """The file of a SQLite database that is not there. Who only asks must not make it."""
    try:
        url = make_url(place)
    except ArgumentError:
        return None
    path = _file(url) if url.get_backend_name() == "sqlite" else None
    return path if path is not None and not path.exists() else None


def _file(url: URL) -> Path | None:
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
        return None
    return Path(str(url.database))


def _make_private(url: URL) -> None:
    path = _file(url)
    if path is None:
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise LogUnavailable(
                f"The access log cannot make the file {path}: {error.strerror}.", hint="name a file it may write."
            ) from error


def same_file(log: Engine, application: Engine) -> bool:
    """Whether an application's engine is of the SQLite file of a log, as far as URLs tell, whatever links lead to it. What
    was made here is no application's.
    """
    mine, theirs = _file_of(log), _file_of(application)
    if mine is None or theirs is None or application in _MADE:
        return False
    with suppress(OSError):  # one of the two is not there yet
        return mine.samefile(theirs)
    return mine.resolve() == theirs.resolve()


def same_database(log: Engine, application: Engine) -> bool:
    """Whether two engines are of one database, as far as URLs tell: a database that goes by two names is not found out."""
    if log.dialect.name == "sqlite":
        return same_file(log, application)
    return log.dialect.name == application.dialect.name and _address(log.url) == _address(application.url)


def _address(url: URL) -> tuple[str, str, str]:
    host = url.host or url.query.get("host") or "localhost"
    port = str(url.port or url.query.get("port") or 5432)
    return str(host).replace("127.0.0.1", "localhost"), port, str(url.database or url.username or "")


def _file_of(engine: Engine) -> Path | None:
    name = engine.url.database
    if engine.dialect.name != "sqlite" or name in (None, "", ":memory:"):
        return None
    name = str(name)
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    return Path(name) if name and name != ":memory:" else None


def said_of(engine: Engine) -> str:
    """The database in words: no password, no user."""
    url = engine.url
    host = f" on {url.host}" if url.host else ""
    return f"the {url.get_backend_name()} database {url.database or ''}{host}"


def out_of_reach(engine: Engine, error: BaseException) -> LogUnavailable:
    """The refusal for an error of the database; raise it ``from`` that error.

    What the database says is repeated where it speaks of itself (it is away, it is full), never where it may quote a row.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    said = str(original).strip().partition("\n")[0] if type(original).__name__ == "OperationalError" else ""
    words = said or type(original).__name__
    where = said_of(engine)
    if "no such table" in words or type(original).__name__ == "UndefinedTable":
        return LogUnavailable(
            f"There is no table of the access log in {where}.",
            hint="sa-privacy log ship --to URL makes it, or EventTable(URL).create(), or the DDL of --ddl.",
        )
    if "is locked" in words:
        return LogUnavailable(
            f"The access log cannot write to {where}: another transaction holds its lock.",
            hint="give the log a file of its own: while the application writes to this one, the log has to wait for it, and "
            "the application for the log.",
        )
    if type(original).__name__ == "InsufficientPrivilege":
        return LogUnavailable(
            f"The access log may not do this in {where}.",
            hint="grant its user what sa-privacy log ship --to URL --ddl says; the owner makes the table.",
        )
    return LogUnavailable(
        f"The access log cannot use {where}: {words}.",
        hint="see that the database runs and is reachable; events go on as soon as it is.",
    )
