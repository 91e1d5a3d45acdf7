"""The SQL table of the log: making it, its lines, and proving them."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import URL, BigInteger, ColumnElement, Connection, Engine, cast, func, inspect, select
from sqlalchemy.exc import DBAPIError

from sa_privacy.accesslog.event import Event, decode_event
from sa_privacy.accesslog.proof.places import Place
from sa_privacy.accesslog.proof.verify import Verification
from sa_privacy.accesslog.sinks import ddl
from sa_privacy.accesslog.sinks.entry import SEQS
from sa_privacy.accesslog.sinks.place import CACHE, engine_of, out_of_reach, said_of
from sa_privacy.accesslog.sinks.schema import Schema
from sa_privacy.crypto import VerifyingKey
from sa_privacy.errors import LogUnavailable

__all__ = ["EventTable", "event_of", "reaching"]

_PAGE = 2000
_TRIES = 40


class EventTable:
    """The table ``sa_privacy_events`` and those that belong to it.

    A row is a line of the log as it stands, with the columns that questions need beside it; its key is its writer's
    number and its ``seq`` in one (see :class:`Schema`). On PostgreSQL the rows are divided by month of ``at``, which is in
    the key there, and a month's partition is made when its first event comes.

    :param place: a database URL, or an engine of its own: not the application's.
    :param name: of the table; the others are named after it.
    :param schema: the database schema; None: on PostgreSQL ``public``.
    :raises LogUnavailable: the place is no database, or its connections are not apart from each other.
    """

    def __init__(
        self, place: str | URL | Engine, *, name: str = "sa_privacy_events", schema: str | None = None
    ) -> None:
        self.engine, self._own = engine_of(place)
        self.schema = Schema(self.engine.dialect.name, name, schema)
        self._months: set[str] = set()

    @property
    def url(self) -> str | None:
        """Where others find the table; None where this was given an engine, or the database is in this process's memory."""
        url = self.engine.url
        if not self._own or (url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")):
            return None
        return url.render_as_string(hide_password=False)

    def create(self) -> None:
        """Make what is not there yet; does nothing where all is. Several processes may call it at once.

        :raises LogUnavailable: the database is away, or this user may not make tables.
        """
        if self.exists():
            return
        with reaching(self.engine), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                self._write_ahead(connection)
            with connection.begin():
                if self.engine.dialect.name == "sqlite":
                    _run(connection, "BEGIN IMMEDIATE")
                elif self.engine.dialect.name == "postgresql":
                    _run(connection, ddl.one_at_a_time(self.schema))
                for statement in ddl.statements(self.schema, self.engine.dialect):
                    _run(connection, statement)

    def _write_ahead(self, connection: Connection) -> None:
        """A file of the log's own is set up for a writer with readers beside it; another's is left as it is."""
        raw: Any = connection.connection.driver_connection
        for tried in range(_TRIES):
            try:
                if raw.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                    raw.execute("PRAGMA page_size = 16384")
                    raw.execute(f"PRAGMA cache_size = -{CACHE}")  # is counted in pages of the size of the moment
                    raw.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError:  # somebody else is at it: for this lock SQLite itself does not wait
                if tried == _TRIES - 1:
                    raise
                time.sleep(0.05)
            else:
                return

    def exists(self) -> bool:
        """Whether the tables are there.

        :raises LogUnavailable: the database cannot be asked.
        """
        with reaching(self.engine):
            inspector = inspect(self.engine)
            return all(inspector.has_table(table.name, schema=table.schema) for table in reversed(self.schema.all))

    def ddl(self) -> str:
        """All statements of :meth:`create`, and what to grant to whom, for those who run the database."""
        made = ddl.statements(self.schema, self.engine.dialect)
        return ";\n\n".join([*made, ddl.advice(self.schema, self.engine.dialect)]) + "\n"

    def make_months(self, months: set[str]) -> None:
        """See that there is a partition for each month, in a transaction of its own; only PostgreSQL has any.

        :param months: as ``"2026-11"``.
        """
        missing = months - self._months
        if self.engine.dialect.name == "postgresql":
            for month in sorted(missing):
                with reaching(self.engine), self.engine.begin() as connection:
                    quote = self.engine.dialect.identifier_preparer.quote_identifier
                    made = f"{quote(str(self.schema.schema))}.{quote(f'{self.schema.name}_month')}"
                    _run(connection, f"SELECT {made}(DATE '{month}-01')")
        self._months |= missing

    def writers(self) -> dict[str, int]:
        """The ids of all writers and their numbers, in order of their first event."""
        table = self.schema.writers.c
        with reaching(self.engine), self.engine.connect() as connection:
            query = select(table.writer, table.number).order_by(table.opened, table.writer)
            return {row.writer: row.number for row in connection.execute(query)}

    def ends(self) -> dict[str, tuple[int, int]]:
        """The number and the last event's id of each writer, in order of their first event.

        :raises LogUnavailable: the database cannot be read.
        """
        events, writers = self.schema.events.c, self.schema.writers.c
        first = cast(writers.number, BigInteger) * SEQS
        last = select(func.max(events.id)).where(events.id >= first, events.id < first + SEQS).scalar_subquery()
        query = select(writers.writer, writers.number, last).order_by(writers.opened, writers.writer)
        with reaching(self.engine), self.engine.connect() as connection:
            return {writer: (number, end) for writer, number, end in connection.execute(query) if end is not None}

    def moment(self, at: datetime) -> datetime | str:
        """A time as the table holds it."""
        at = at.astimezone(UTC)
        return at if self.engine.dialect.name == "postgresql" else at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @staticmethod
    def time(at: datetime | str) -> datetime:
        """A time that the table holds, in UTC."""
        return (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone(UTC)

    def lines(self, writer: str) -> Iterator[bytes]:
        """A writer's lines in order of ``seq``, each with its line break, as they stand in a segment; in constant memory.

        :raises LogUnavailable: the database cannot be read.
        """
        events = self.schema.events.c
        number = self.writers().get(writer)
        if number is not None:
            for _, line in self.rows(number, events.line):
                yield line.encode() + b"\n"

    def rows(
        self, number: int, *columns: ColumnElement[Any], conditions: Iterable[ColumnElement[bool]] = ()
    ) -> Iterator[Sequence[Any]]:
        """Columns of a writer's rows, the id first and in its order; no transaction stays open between pages.

        :param number: of the writer.
        """
        events = self.schema.events.c
        last, full = number * SEQS - 1, True
        query = select(events.id, *columns).where(events.id < (number + 1) * SEQS, *conditions)
        query = query.order_by(events.id).limit(_PAGE)
        while full:
            with reaching(self.engine), self.engine.connect() as connection:
                page = connection.execute(query.where(events.id > last)).all()
            yield from page
            full = len(page) == _PAGE
            last = page[-1][0] if page else last

    def events(self) -> Iterator[Event]:
        """All events: writers in order of their first event, each one's in order of ``seq``; in constant memory.

        :raises LogUnavailable: the database cannot be read, or a row is not an event.
        """
        for writer in self.writers():
            for line in self.lines(writer):
                yield event_of(line, self.engine)

    def verify(
        self,
        *,
        key: VerifyingKey | Iterable[VerifyingKey] | None = None,
        second: Place | str | os.PathLike[str] | None = None,
        executor: Executor | None = None,
    ) -> Verification:
        """Check every line of every writer, and that questions find it; in constant memory.

        That is its hash, its number and what it follows from, the columns beside it, and the rows of its subjects. A writer's
        segments are one chain here. One whose first lines are gone, say with a month that was removed, has to hold from
        its first line on.

        :param key: who may have signed the journal's checkpoints; without it, signatures are not checked.
        :param second: where the journal's checkpoints are copied to: each writer's line there has to be the one they vouch for.
        :param executor: its workers check the writers' lines, where they reach the table by the URL that this was given, and
            this takes their word; they are sent the URL. Whether questions find the lines is checked here.
        :raises LogUnavailable: the database or the second place cannot be read.
        """
        from sa_privacy.accesslog.sinks.proof import verify_table  # noqa: PLC0415 - it reads this table

        return verify_table(self, key, second, executor)

    def close(self) -> None:
        """Let go of the connections, unless the engine is the caller's."""
        if self._own:
            self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The table in words, for people."""
        return f"the table {self.schema.name} in {said_of(self.engine)}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.schema.name} in {said_of(self.engine)}>"


def _run(connection: Connection, statement: str) -> None:
    """By a cursor of the driver's: where an application protects every engine of its process, this one is no exception,
    and its gate knows no function of the log's.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()


def event_of(line: str | bytes, engine: Engine) -> Event:
    """The event of a row.

    :raises LogUnavailable: it is none.
    """
    try:
        return decode_event(line if isinstance(line, bytes) else line.encode())
    except ValueError:
        raise LogUnavailable(
            f"A row of the access log in {said_of(engine)} is not an event.", hint="run verify(): it names the row."
        ) from None


class reaching:  # noqa: N801 - reads as a word where it stands
    """Turns what the database raises into LogUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        driver: Any = self._engine.dialect.dbapi
        if error is not None and isinstance(error, DBAPIError | driver.Error):
            raise out_of_reach(self._engine, error) from error
