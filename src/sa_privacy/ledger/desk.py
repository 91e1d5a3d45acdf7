"""The desk at which the library reads and writes its own tables, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, UnboundExecutionError
from sqlalchemy.orm import Session

from sa_privacy.access import Access, AccessScopes
from sa_privacy.access.desk import at_desk
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.errors import ClockWentBack, LedgerUnavailable, PolicyError
from sa_privacy.gate.binds import owner_of_dialect
from sa_privacy.gate.standing import Standings
from sa_privacy.ledger.tables import OWN_TABLES
from sa_privacy.policy import Policy

__all__ = ["Desk", "commits_by_itself", "must_be_sync"]

#: How far clocks of several machines may be apart without anybody noticing.
_APART: Final = timedelta(seconds=5)


class Desk:
    """What the rooms over the ledgers share: the policy, the catalogue, the clock, and the way to the database.

    :param clock: tells the time, aware.
    """

    def __init__(
        self, scopes: AccessScopes, live: LiveCatalogue, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.scopes = scopes
        self.live = live
        self.clock = clock
        #: Asks who stands in which role; None where no role of the policy takes that.
        self.standings: Standings | None = None
        #: The gate of the engines that the desk works on: what it does on another one would be neither judged nor logged.
        self.gate: object = None

    @property
    def policy(self) -> Policy:
        """The policy of the moment."""
        return self.scopes.policy

    def held(self) -> Access:
        """The access that the desk works for.

        :raises NoAccess: there is none.
        """
        return self.scopes.require().access

    def roles(self, connection: Connection) -> frozenset[str]:
        """The roles of the access that the desk works for, of those who act in them only what they stand in: granted, and
        pledged.

        :param connection: to ask on.
        """
        held = self.held()
        return frozenset(held.roles) if self.standings is None else self.standings.roles_of(held, connection)

    @contextmanager
    def open(
        self,
        session: Session | Connection,
        *,
        reads: Collection[str] = (),
        writes: Collection[str] = (),
        subjects: Collection[tuple[str, object]] = (),
        deletes: Collection[str] = (),
        asked: bool = True,
        everything: bool = False,
        reading: bool = False,
    ) -> Iterator[Connection]:
        """The connection of the caller's transaction, with the library's own tables open while the block runs.

        What the session has not flushed yet is flushed first, under the caller's own access. For an ``AsyncSession``:
        ``await session.run_sync(lambda session: ...)``.

        :param reads: categories of the application's data that are read, whatever the access covers.
        :param writes: categories that are written.
        :param subjects: whose data it is about, as ``(kind, key)``.
        :param deletes: tables of the library that rows are removed from.
        :param asked: whether who acts has to stand in their roles for it, as for any statement.
        :param everything: every row and column of the application is reached, whatever the rules about rows say.
        :param reading: nothing of the library's own is written, so that it need not be one transaction.
        :raises NoAccess: no access is declared here: somebody must act.
        :raises PolicyError: the policy keeps no ledgers, `session` is none, its engine is not protected by this ``Privacy``,
            or each of its statements would be a transaction of its own.
        :raises LedgerUnavailable: somebody else is writing to the SQLite file.
        """
        if not self.live.own:
            raise PolicyError(
                "the policy keeps no ledgers.",
                hint='it does once it names consent = "opt_in", recipients, wordings, requests or granted roles.',
            )
        self.held()
        connection = _connection(session)
        if owner_of_dialect(connection.dialect) is not self.gate:
            raise PolicyError(
                "this Privacy is not installed on the engine of that session.", hint="privacy.install(engine) first."
            )
        if not reading and commits_by_itself(connection):
            raise PolicyError(
                "on an autocommit connection an entry and what it is about are no one transaction.",
                hint="use an engine or session without AUTOCOMMIT for the library's ledgers.",
            )
        if isinstance(session, Session):
            session.flush()
        with at_desk(
            self.scopes,
            reads=reads,
            writes=writes,
            subjects=subjects,
            deletes=deletes,
            asked=asked,
            everything=everything,
            reading=reading,
        ):
            try:
                yield connection
            except OperationalError as error:
                if _is_locked(error.orig):
                    raise _locked() from error
                raise

    @contextmanager
    def whole(self, session: Session | Connection) -> Iterator[None]:
        """All that is written while the block runs, or nothing of it, also where the caller goes on after an error.

        :raises PolicyError: each statement would be a transaction of its own.
        :raises LedgerUnavailable: somebody else is writing to the SQLite file.
        """
        with self.open(session) as connection:
            self.begin_to_write(connection)
        with connection.begin_nested():
            yield

    def begin_to_write(self, connection: Connection) -> None:
        """On SQLite, be the one writer from here on: what is read is then still so when something is written.

        :param connection: of an open desk.
        :raises LedgerUnavailable: somebody else is writing to the SQLite file.
        """
        if connection.dialect.name == "sqlite" and not _has_begun(connection):
            _begin_to_write(connection)

    def now(self) -> datetime:
        """What the clock shows."""
        return self.clock()

    def moment(self, after: datetime | None = None) -> datetime:
        """Now, and not before what a ledger holds already.

        :param after: the time of the last entry.
        :raises ClockWentBack: the clock shows an earlier time.
        """
        now = self.clock()
        if after is None or now >= after:
            return now
        if after - now > _APART:
            raise ClockWentBack(
                "the clock shows an earlier time than the last entry of the ledger.",
                hint="set the clock right; nothing was written.",
            )
        return after


def commits_by_itself(connection: Connection) -> bool:
    """Whether each statement is a transaction of its own: told to SQLAlchemy, or to the driver."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return True
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite" and getattr(driver, "isolation_level", "") is None:
        return not _has_begun(connection)  # where the application begins transactions itself, it has
    return getattr(driver, "autocommit", False) is True


def must_be_sync(given: object, *kinds: type[Engine | Connection]) -> None:
    """Whether something is an engine or a connection of SQLAlchemy's that is not asynchronous.

    :param kinds: which of them.
    :raises PolicyError: it is none.
    """
    if not isinstance(given, kinds):
        raise PolicyError(
            f"{type(given).__name__} is no {' or '.join(kind.__name__ for kind in kinds)}.",
            hint="for an AsyncEngine: async with engine.connect() as c: await c.run_sync(lambda c: ...(c.engine, ...)).",
        )


def _connection(session: object) -> Connection:
    """The connection of the caller's transaction."""
    if isinstance(session, Session):
        try:
            return session.connection(bind_arguments={"clause": next(iter(OWN_TABLES.tables.values()))})
        except UnboundExecutionError:
            raise PolicyError(
                "the session has no engine for the library's own tables.",
                hint="Session(engine); or session.bind_table(table, engine) for each of privacy.metadata.sorted_tables.",
            ) from None
    if isinstance(session, Connection):
        return session
    raise PolicyError(
        f"{type(session).__name__} is no session.",
        hint="give a Session or a Connection; for an AsyncSession or AsyncConnection, await session.run_sync(...).",
    )


def _has_begun(connection: Connection) -> bool:
    return bool(getattr(connection.connection.driver_connection, "in_transaction", True))


def _begin_to_write(connection: Connection) -> None:
    """One writer at a time on SQLite: be it, before anything is read. And else RELEASE would commit: sqlite3 begins nothing
    for a SAVEPOINT.
    """
    begun = connection.connection.cursor()
    try:
        begun.execute("BEGIN IMMEDIATE")
    except connection.dialect.loaded_dbapi.OperationalError as error:
        if _is_locked(error):
            raise _locked() from error
        raise
    finally:
        begun.close()


def _is_locked(error: object) -> bool:
    return "database is locked" in str(error)


def _locked() -> LedgerUnavailable:
    return LedgerUnavailable(
        "somebody else is writing to the SQLite file, and has been for longer than the driver waits.",
        hint="roll back and try again; create_engine(..., connect_args={'timeout': SECONDS}) waits longer.",
    )
