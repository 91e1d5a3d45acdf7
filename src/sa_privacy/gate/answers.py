"""What the database said of names, and for how long it is taken to hold.

Whether "products" is a table or a view over customers only the database knows, and a migration elsewhere may change it.
Asking with every statement costs more than the statement. So answers hold for a few seconds, for the DBAPI connection
that got them (temporary views, attached databases and ``search_path`` belong to a connection), and not at all from a
statement that may change what names mean until its transaction has ended.
"""

from __future__ import annotations

from collections.abc import Hashable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from weakref import ReferenceType, ref

if TYPE_CHECKING:
    from sa_privacy.gate.statements.plan import Plan

__all__ = ["MISSING", "Answers"]

MISSING: Final = object()
_PLANS = 2000


class Answers:
    """The answers of one connection.

    :param keep: seconds for which an answer holds; 0 asks every time.
    :param epoch: the engine's count of statements that changed names for everyone.
    """

    __slots__ = ("_keep", "_kept", "_unsettled", "epoch", "until")

    def __init__(self, keep: float = 0.0, epoch: int = 0) -> None:
        self.epoch = epoch
        self._keep = keep
        self._kept: dict[Hashable, tuple[Any, float]] = {}
        #: Until when each plan may rely on what it relied on; empty while names may change.
        self.until: dict[Plan, float] = {}
        self._unsettled: ReferenceType[Any] | None = None

    def confirm(self, plan: Plan) -> None:
        """What the plan relies on was found to be so now."""
        if self._keep and self._unsettled is None:
            if len(self.until) > _PLANS:
                self.until.clear()
            self.until[plan] = monotonic() + self._keep

    def get(self, question: Hashable) -> Any:
        """The answer, or ``MISSING``."""
        value, until = self._kept.get(question, (MISSING, 0.0))
        return value if monotonic() < until and self._unsettled is None else MISSING

    def put(self, question: Hashable, value: Any) -> None:
        """Keeps an answer."""
        if self._keep and self._unsettled is None:
            self._kept[question] = (value, monotonic() + self._keep)

    def settle(self, connection: Any) -> None:
        """Looks whether the transaction in which names changed has ended; they may have changed back with it."""
        if self._unsettled is not None:
            transaction = self._unsettled()
            if transaction is None or connection.get_transaction() is not transaction:
                self._unsettled = None

    def unsettle(self, connection: Any) -> None:
        """A statement that may change names runs on the connection: nothing is kept until its transaction has ended."""
        self._kept.clear()
        self.until.clear()
        transaction = connection.get_transaction()
        if transaction is not None:
            self._unsettled = ref(transaction)
