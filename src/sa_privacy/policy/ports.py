"""What the gate asks others before a statement runs, without knowing where they keep it.

Each port answers for a batch, so that a statement costs one question. A port that cannot answer raises; it never
guesses, and the statement then does not run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

__all__ = ["ConsentPort", "ErasurePort", "StaffPort", "Standing"]


@runtime_checkable
class ConsentPort(Protocol):
    """Who has agreed, or has not objected, to a purpose or a recipient. The library's own ledger is one."""

    def condition(self, purpose: str, kind: str, key: Any) -> Any:
        """A SQL condition for people whose data may be used for the purpose at the moment the statement runs.

        It becomes part of statements that reach their rows, so the answer is of the same transaction. A store that is no
        table of this database answers ``key.in_(...)``.

        :param purpose: as the policy names it; its ``consent`` says whether silence means yes.
        :param kind: the kind of data subject, e.g. ``"customer"``.
        :param key: the expression for a person's key in the statement (a SQLAlchemy ``ColumnElement``).
        :returns: a SQLAlchemy ``ColumnElement[bool]`` with the same shape each time; values in it may differ. For the wall on
            PostgreSQL they must not, but for a parameter named ``sa_privacy_now``, which is the moment of the statement. A
            store in whose conditions none ever differs may say so, ``lasting = True``, and is asked once for many accesses.
        """
        ...

    def agreed(self, connection: Any, recipient: str, kind: str, keys: Collection[object]) -> frozenset[object]:
        """Those of the people who have agreed that their data is given to a third party.

        :param connection: the SQLAlchemy ``Connection`` of the transaction that would give it.
        :returns: a subset of `keys`; who is not in it is left out.
        """
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What a member of staff may act in now.

    :param roles: the roles that were granted, and until when; None: until revoked.
    :param pledges: the wordings that were signed, each with the version signed and until when the signature holds.
    :param until: from when on it has to be asked again, because a grant begins then; None: nothing is known to begin.
    """

    roles: Mapping[str, datetime | None] = field(default_factory=dict)
    pledges: Mapping[str, tuple[str, datetime | None]] = field(default_factory=dict)
    until: datetime | None = None


@runtime_checkable
class StaffPort(Protocol):
    """Which roles members of staff were granted, and which pledges they signed. The library's own tables are one."""

    def standing(self, actor: str, connection: Any) -> Standing:
        """What is true of an actor now; nothing, for one whom nobody knows.

        :param actor: as ``privacy.access(actor=...)`` names them.
        :param connection: the SQLAlchemy ``Connection`` of the statement that waits for the answer.
        """
        ...


@runtime_checkable
class ErasurePort(Protocol):
    """Takes over what people ask to have erased. The library's own erasure is one."""

    def erase_on_request(self, connection: Any, kind: str, key: str, reference: str) -> None:
        """An erasure was accepted. Called in its transaction: what raises here undoes the acceptance, if the caller lets it.

        :param connection: the SQLAlchemy ``Connection`` of the transaction.
        :param kind: the kind of data subject, e.g. ``"customer"``.
        :param key: the person's key, as ledgers keep it.
        :param reference: of the request, which is to be answered once the data is gone.
        """
        ...

    def erased_on_request(self, connection: Any, reference: str) -> bool:
        """Whether the data is gone, so that the request can be answered.

        :param connection: the SQLAlchemy ``Connection`` of the transaction.
        :param reference: of a request that was handed on.
        """
        ...
