"""What may be handed over only once the transaction that recorded it was committed.

Sessions tell: ``after_commit`` comes when the database has answered. A rollback, of the whole or to a savepoint from before
the record, makes it void, and so does a session that is closed without a commit. What SQLAlchemy does not hear of, a ROLLBACK in
text or one of the driver, is found by looking for the record before the commit. And PostgreSQL answers a COMMIT after an error with
a rollback, and without an error: looking fails then, and so does the commit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Literal

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from sa_privacy.customers.sqlalchemy_private import savepoint_in_force
from sa_privacy.errors import DisclosureRefused

__all__ = ["Awaited", "State"]

State = Literal["pending", "committed", "void", "unknown"]
"""``"unknown"``: the session has ended its part of a transaction that somebody else began, and ends."""

_KEPT: Final = "sa_privacy.awaited"


class Awaited:
    """One record, and whether it was committed.

    :param connection: on which it is written, in the session's transaction of the moment.
    :param is_there: looks whether it is; whatever access is in force then.
    """

    __slots__ = ("broken", "connection", "is_there", "since", "state")

    def __init__(self, session: Session, connection: Connection, is_there: Callable[[], bool]) -> None:
        self.state: State = "pending"
        #: Only a part of it was written: the transaction must not be committed.
        self.broken = False
        self.connection = connection
        self.is_there = is_there
        #: The number of the last savepoint before it: going back to a later one leaves it.
        self.since = _number(savepoint_in_force(connection))
        _watcher(session).watch(self)


class _Watcher:
    """Listens to one session and its connections, once, however much is recorded in it."""

    def __init__(self, session: Session) -> None:
        self.pending: list[Awaited] = []
        for name in ("before_commit", "after_commit", "after_transaction_end"):
            event.listen(session, name, getattr(self, name))

    def watch(self, one: Awaited) -> None:
        self.pending.append(one)
        if not event.contains(one.connection, "rollback", self.rollback):
            event.listen(one.connection, "rollback", self.rollback)
            event.listen(one.connection, "rollback_savepoint", self.rollback_savepoint)

    # -- the connection -------------------------------------------------------------------------------------------

    def rollback_savepoint(self, connection: Connection, name: str, _: Any) -> None:
        self._settle("void", [one for one in self._on(connection) if _number(name) <= one.since])

    def rollback(self, connection: Connection) -> None:
        self._settle("void", self._on(connection))

    # -- the session ----------------------------------------------------------------------------------------------

    def before_commit(self, session: Session) -> None:
        if any(one.broken for one in self.pending):
            raise DisclosureRefused(
                "a disclosure in this transaction failed after a part of its record was written.",
                hint="session.rollback(); nothing was given.",
            )
        if not session.in_nested_transaction():
            self._settle("void", [one for one in self.pending if not one.is_there()])

    def after_commit(self, session: Session) -> None:
        if session.in_nested_transaction():
            return  # a savepoint that is released is not committed yet
        for one in tuple(self.pending):
            joined = one.connection.in_transaction() and session.join_transaction_mode != "create_savepoint"
            self._settle("unknown" if joined else "committed", [one])

    def after_transaction_end(self, _: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            self._settle("void", self.pending)

    def _on(self, connection: Connection) -> list[Awaited]:
        return [one for one in self.pending if one.connection is connection]

    def _settle(self, state: State, some: list[Awaited]) -> None:
        for one in tuple(some):
            one.state = state
            self.pending.remove(one)


def _number(savepoint: str | None) -> int:
    """SQLAlchemy numbers the savepoints of a connection; one of another name is taken for an early one."""
    found = re.search(r"\d+$", savepoint or "")
    return int(found[0]) if found is not None else 0


def _watcher(session: Session) -> _Watcher:
    info: dict[Any, Any] = session.info
    found: _Watcher | None = info.get(_KEPT)
    if found is None:
        found = info[_KEPT] = _Watcher(session)
    return found
