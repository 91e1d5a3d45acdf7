"""Where the systems under test live: an empty database each, side by side, and the space that they take there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, create_engine, event, text

from tests.support.postgres import Server

__all__ = ["Places", "bytes_in", "engine_of", "postgresql", "sqlite"]


@dataclass
class Places:
    """A kind of database, and a directory that goes with it.

    :param kind: ``"SQLite"`` or ``"PostgreSQL"``.
    :param directory: an empty one, closed to others.
    :param server: where databases are made, for PostgreSQL.
    """

    kind: str
    directory: Path
    server: Server | None = None

    def url(self, name: str) -> str:
        """Of an empty database."""
        if self.server is None:
            return f"sqlite:///{self.directory / name}.db"
        with self.server.connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"'.encode())
            cursor.execute(f'CREATE DATABASE "{name}"'.encode())
        place = f"{self.server.user}@/{name}?host={self.server.host}&port={self.server.port}"
        return f"postgresql+psycopg://{place}"

    def engine(self, name: str) -> Engine:
        """An engine on an empty database."""
        return engine_of(self.url(name))


def engine_of(url: str) -> Engine:
    """An engine on a database."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _no_disk_between_us)
    return engine


def _no_disk_between_us(connection: Any, _record: object) -> None:
    """A commit does not wait for the disk, as on the PostgreSQL here: that would hide what is measured."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")


@contextmanager
def sqlite() -> Iterator[Places]:
    """Databases in files."""
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        directory.chmod(0o700)
        yield Places("SQLite", directory)


@contextmanager
def postgresql(server: Server | None = None) -> Iterator[Places]:
    """Databases of a server, which is started where none is given."""
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        directory.chmod(0o700)
        if server is not None:
            yield Places("PostgreSQL", directory, server)
        else:
            with Server() as started:
                yield Places("PostgreSQL", directory, started)


def bytes_in(engine: Engine) -> int:
    """What a database takes, with its indexes."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            return Path(str(engine.url.database)).stat().st_size
        asked = "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'"
        return int(connection.execute(text(asked)).scalar_one())
