"""The SQL table as the log itself, for those without a disk."""

from __future__ import annotations

import atexit
import os
import re
import secrets
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from threading import RLock
from types import TracebackType
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine

from sa_privacy.accesslog.event import Event
from sa_privacy.accesslog.journal.segment import MAX_LINE, START
from sa_privacy.accesslog.proof.verify import Verification
from sa_privacy.accesslog.sinks.entry import row_of
from sa_privacy.accesslog.sinks.place import same_database, same_file
from sa_privacy.accesslog.sinks.put import put, put_one
from sa_privacy.accesslog.sinks.table import EventTable, reaching
from sa_privacy.errors import LogUnavailable

__all__ = ["TableLog"]

_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_OWN_KINDS = ("opened", "closed")
_FORMAT = 2


class TableLog:
    """The access log in a SQL table: what :class:`AccessLog` is in a directory, with the same promises.

    Each event is a transaction of its own, on a connection of its own, committed before ``append`` returns: a rollback of
    the application keeps it. The chain is a process's own, as in the journal; a fork is a new writer with a connection of
    its own. An event costs a commit, and under asyncio the loop waits for it: where there is a disk, an AccessLog and a
    shipper are faster by far.

    On SQLite the log needs a file of its own. In the application's file it would wait for the application's transaction,
    which waits for the log: ``privacy.install`` refuses that where the URLs tell it; where they do not, the wait ends
    after two seconds with an error that says so.

    :param place: a database URL, or an engine of its own: not the application's.
    :param name: of the table, which is made if it is not there and this user may.
    :param schema: the database schema; None: on PostgreSQL ``public``.
    :ivar preamble: makes the members of a ``context`` event, written after ``opened``; None writes none.
    :raises LogUnavailable: the database is away, or the table is not there and cannot be made.
    """

    __slots__ = (
        "__weakref__",
        "_busy",
        "_closed",
        "_connection",
        "_lock",
        "_number",
        "_prev",
        "_seq",
        "_table",
        "_writer",
        "preamble",
    )

    def __init__(
        self, place: str | URL | Engine, *, name: str = "sa_privacy_events", schema: str | None = None
    ) -> None:
        self.preamble: Callable[[], bytes] | None = None
        self._lock = RLock()
        self._closed = False
        self._connection: Connection | None = None
        self._forget_writer()
        self._table = EventTable(place, name=name, schema=schema)
        try:
            self._table.create()
        except BaseException:
            self._table.close()
            raise
        _LOGS.add(self)

    def _forget_writer(self) -> None:
        self._writer: str | None = None
        self._number = 0
        self._seq = 0
        self._prev = START.decode()
        self._busy = False

    @property
    def table(self) -> EventTable:
        """The table, for questions."""
        return self._table

    @property
    def writer(self) -> str | None:
        """The id under which this process writes now; None before its first event. A fork has another."""
        return self._writer

    def shares_file(self, engine: Engine) -> bool:
        """Whether an application's engine is of the SQLite file that the log is in, as far as URLs tell."""
        return same_file(self._table.engine, engine)

    def shares_database(self, engine: Engine) -> bool:
        """Whether an engine is of the database that the log is in, as far as URLs tell."""
        return same_database(self._table.engine, engine)

    def append(self, kind: str, members: bytes, sync: bool = False) -> int:
        """Write one event; when this returns, it is committed, whatever `sync` says.

        :param kind: ``"intent"``, ``"outcome"``, ``"use"``: up to 32 lower-case letters, digits and underscores.
        :param members: what :func:`members` made.
        :returns: the event's ``seq``: with the writer's id, its name for ever.
        :raises LogUnavailable: nobody may rely on the event. Later events may be tried; they are a new writer's.
        :raises ValueError: the kind or the members cannot stand in a line.
        """
        if _KIND.fullmatch(kind) is None:
            raise ValueError("the kind of an event is up to 32 lower-case letters, digits and underscores")
        if kind in _OWN_KINDS:
            raise ValueError(f"only the log itself writes {kind!r} events")
        if b"\n" in members:
            raise ValueError("an event is one line: its members hold a line break")
        with self._lock:
            if self._busy:
                raise LogUnavailable(
                    "The access log was asked for an event while it was writing one, in the same thread.",
                    hint="do not touch personal data in signal handlers or finalisers.",
                )
            if self._closed:
                raise LogUnavailable("The access log is closed.", hint="open it again: TableLog(url).")
            if self._writer is None:
                self._begin()
            return self._put(kind, members)

    def _begin(self) -> None:
        self._writer = secrets.token_hex(8)
        self._put("opened", b'"format":%d' % _FORMAT)
        if self.preamble is not None:
            self._put("context", self.preamble())

    def _put(self, kind: str, members: bytes) -> int:
        """Commit one event. Whatever goes wrong, this writer has ended: nobody knows what arrived."""
        try:
            self._busy = True
            seq = self._commit(kind, members)
        except BaseException:
            self._forget_writer()
            self._leave(broken=True)
            raise
        self._busy = False
        return seq

    def _commit(self, kind: str, members: bytes) -> int:
        seconds, rest = divmod(time.time_ns(), 1_000_000_000)
        at = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest // 1000:06d}Z"
        said = b"," + members if members else b""
        head = f'{{"kind":"{kind}","at":"{at}","writer":"{self._writer}","seq":{self._seq}'.encode()
        body = head + said + f',"prev":"{self._prev}"'.encode()
        digest = sha256(body).hexdigest()
        line = body + f',"hash":"{digest}"}}\n'.encode()
        if len(line) > MAX_LINE:
            raise LogUnavailable(
                f"An event of {len(line)} bytes is longer than a line of the access log may be ({MAX_LINE}).",
                hint="touch fewer people in one statement: work in chunks.",
            )
        row = row_of(line)
        self._table.make_months({at[:7]})
        engine, schema = self._table.engine, self._table.schema
        with reaching(engine):
            if kind == "opened":
                with engine.begin() as connection:
                    self._number = put(connection, schema, [row], {})[row[0]]
            else:
                put_one(self._connected(), schema, row, self._number)
        self._prev = digest
        self._seq += 1
        return self._seq - 1

    def _connected(self) -> Connection:
        """The connection that events are written on."""
        if self._connection is None:
            self._connection = self._table.engine.connect()
            if self._connection.dialect.name == "postgresql":
                self._connection.execution_options(isolation_level="AUTOCOMMIT")
        return self._connection

    def _leave(self, *, broken: bool = False) -> None:
        """Let go of the connection; one that broke does not go back among the others."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # the first error counts
                if broken:
                    connection.invalidate()
                connection.close()

    def events(self) -> Iterator[Event]:
        """All events of all writers, in order of their first event, then ``seq``."""
        return self._table.events()

    def verify(self) -> Verification:
        """Check every line of every writer, in constant memory; see :meth:`EventTable.verify`."""
        return self._table.verify()

    def close(self) -> None:
        """Write the closing event and let go. Closing twice is fine; an exit of the interpreter closes too.

        :raises LogUnavailable: the closing event could not be written. The log is closed nonetheless.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                if self._writer is not None and not self._busy:
                    self._put("closed", b"")
            finally:
                self._leave()
                self._table.close()

    def _forget(self) -> None:
        """In the child of a fork: the writer, the connections, and perhaps a held lock, are the parent's."""
        self._lock = RLock()
        self._forget_writer()
        if self._connection is not None:
            _PARENTS.append(self._connection)
            self._connection = None
        self._table.engine.dispose(close=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"TableLog({self._table!r})"


_LOGS: weakref.WeakSet[TableLog] = weakref.WeakSet()
_PARENTS: list[Any] = []  # connections that a fork brought along: closing them here would end the parent's


def _forget_all() -> None:
    for log in list(_LOGS):
        log._forget()


def _close_all() -> None:
    for log in list(_LOGS):
        with suppress(LogUnavailable):  # the interpreter is on its way out; verify() shows the writer as unclosed
            log.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
atexit.register(_close_all)
