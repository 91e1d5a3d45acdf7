"""The desk at which the library reads and writes its own tables, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from sa_privacy.access import Access, AccessScopes
from sa_privacy.access.desk import at_desk
from sa_privacy.columns.live import LiveCatalogue
from sa_privacy.errors import ClockWentBack, PolicyError
from sa_privacy.ledger.tables import OWN_TABLES
from sa_privacy.policy import Policy

__all__ = ["Desk"]

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
        """The roles of the access that the desk works for.

        :param connection: to ask on.
        """
        return frozenset(self.held().roles)

    @contextmanager
    def open(
        self,
        session: Session | Connection,
        *,
        reads: Collection[str] = (),
        writes: Collection[str] = (),
        subjects: Collection[tuple[str, object]] = (),
    ) -> Iterator[Connection]:
        """The connection of the caller's transaction, with the library's own tables open while the block runs.

        What the session has not flushed yet is flushed first, under the caller's own access. For an ``AsyncSession``:
        ``await session.run_sync(lambda session: ...)``.

        :param reads: categories of the application's data that are read, whatever the access covers.
        :param writes: categories that are written.
        :param subjects: whose data it is about, as ``(kind, key)``.
        :raises NoAccess: no access is declared here: somebody must act.
        :raises PolicyError: the policy keeps no ledgers, or `session` is none.
        """
        if not self.live.own:
            raise PolicyError(
                "the policy keeps no ledgers.",
                hint='it does once it names consent = "opt_in", recipients, wordings, requests or granted roles.',
            )
        self.held()
        if isinstance(session, Session):
            session.flush()
            connection = session.connection(bind_arguments={"clause": next(iter(OWN_TABLES.tables.values()))})
        elif isinstance(session, Connection):
            connection = session
        else:
            raise PolicyError(
                f"a {type(session).__name__} is no session.",
                hint="give a Session or a Connection; for an AsyncSession, await session.run_sync(...).",
            )
        with at_desk(self.scopes, reads=reads, writes=writes, subjects=subjects):
            yield connection

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
