"""What may be handed over only once the transaction that recorded it was committed.

Sessions tell: ``after_commit`` comes when the database has answered. A rollback, of the whole or of a savepoint around the
record, makes it void; a session that is closed without a commit leaves it as it is, not committed.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from sa_privacy.errors import DisclosureRefused

__all__ = ["Awaited"]

State = Literal["pending", "committed", "void"]
_KEPT: Final = "sa_privacy.awaited"


class Awaited:
    """One record, and whether it was committed.

    :param session: in whose transaction of the moment it is written.
    """

    __slots__ = ("_around", "broken", "state")

    def __init__(self, session: Session) -> None:
        self.state: State = "pending"
        #: Only a part of it was written: the transaction must not be committed.
        self.broken = False
        self._around = _transactions(session)
        _watcher(session).pending.append(self)

    def is_within(self, transaction: SessionTransaction) -> bool:
        """Whether it goes when this transaction, or savepoint, is rolled back."""
        return any(one is transaction for one in self._around)


def _transactions(session: Session) -> tuple[SessionTransaction, ...]:
    """The transaction of the moment, and those around it."""
    found = []
    one: SessionTransaction | None = session.get_nested_transaction() or session.get_transaction()
    while one is not None:
        found.append(one)
        one = one.parent
    return tuple(found)


class _Watcher:
    """Listens to one session, once, however much is recorded in it."""

    def __init__(self, session: Session) -> None:
        self.pending: list[Awaited] = []
        for name in ("before_commit", "after_commit", "after_soft_rollback", "after_transaction_end"):
            event.listen(session, name, getattr(self, name))

    def before_commit(self, _: Session) -> None:
        if any(one.broken for one in self.pending):
            raise DisclosureRefused(
                "a disclosure in this transaction failed after a part of its record was written.",
                hint="session.rollback(); nothing was given.",
            )

    def after_commit(self, session: Session) -> None:
        if not session.in_nested_transaction():  # a savepoint that is released is not committed yet
            self._settle("committed", self.pending)

    def after_soft_rollback(self, _: Session, transaction: SessionTransaction) -> None:
        self._settle("void", [one for one in self.pending if one.is_within(transaction)])

    def after_transaction_end(self, _: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            self._settle("void", self.pending)

    def _settle(self, state: State, some: list[Awaited]) -> None:
        for one in tuple(some):
            one.state = state
            self.pending.remove(one)


def _watcher(session: Session) -> _Watcher:
    info: dict[Any, Any] = session.info
    found: _Watcher | None = info.get(_KEPT)
    if found is None:
        found = info[_KEPT] = _Watcher(session)
    return found
